import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { listAlarms } from '../../alerts/redis-alarm-list.js';
import { readDeviceLedger } from '../../ingest/ledger/redis-ledger.js';
import type { Alarm } from '../../rules/alarm.js';
import { listPresenceChanges, listPresences } from '../../devices/redis-presence.js';
import { readTwin } from '../../devices/redis-twin.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { CampusProcess } from '../support/campus-process.js';
import { eventually } from '../support/eventually.js';
import { freePortPair } from '../support/port-pair.js';
import { ReportingDevice } from '../support/reporting-device.js';

const about = 'title: { zh: 甲, en: A }\n  advice: { zh: 乙, en: B }\n  source: test\n  severity: minor';
/** Silence after twelve seconds, for whatever class; and devices that hang. */
const rules = `
- id: silent
  ${about}
  class: [sensor, ap, gateway]
  condition: silence_s > math.greatest(3 * interval_s, 12)
- id: hangs
  ${about}
  class: [sensor, ap, gateway]
  condition: presence == "stale"
  for: 1s
`;

test('nobody is taken for gone because of us; who is gone, hangs or sleeps is told from who is cut off', async () => {
  const port = await freePortPair();
  const rulesDir = await mkdtemp(join(tmpdir(), 'campus-rules-'));
  onTestFinished(() => rm(rulesDir, { recursive: true }));
  await writeFile(join(rulesDir, 'rules.yaml'), rules);
  const campus = await CampusProcess.start({
    BROKERS: '2',
    MQTT_PORT: String(port),
    RECONNECT_GRACE_S: '10',
    RULES_DIR: rulesDir,
  });
  onTestFinished(() => campus.remove());
  const classes = { gw: 'gateway', ap: 'ap', 'ap-room': 'sensor', hung: 'sensor', sleeper: 'sensor' };
  const devices: Record<string, ReportingDevice> = {};
  // The last reports in bursts, and is not missed in between.
  const table = [
    'device,class,site,parent,interval_s',
    'ap,ap,school-1,gw,',
    'ap-room,sensor,school-1,ap,',
    'steady,sensor,school-1,,600',
  ];
  await writeFile(join(campus.dataDir, 'devices.csv'), table.join('\n'));
  const issued = Object.entries(classes).map(
    async ([id, deviceClass]) => [id, await campus.issue('school-1', id, deviceClass)] as const,
  );
  for (const [i, [id, credentials]] of (await Promise.all(issued)).entries()) {
    devices[id] = new ReportingDevice(credentials, i % 2 === 0 ? [port, port + 1] : [port + 1, port]);
    onTestFinished(() => devices[id]?.remove());
  }
  const { clientId, username, password, topicPrefix } = await campus.issue('school-1', 'steady');
  await campus.run('registry', 'import', join(campus.dataDir, 'devices.csv'));
  let redis = new Redis((await campus.status()).redis);
  const changes = async () =>
    (await listPresenceChanges(redis, 1000)).reverse().map(({ device, to }) => `${device} ${to}`);
  const states = async () =>
    Object.fromEntries(
      (await listPresences(redis)).map(({ device, presence }) => [device.id, presence.state] as const),
    );

  const client = mqtt.connect(`mqtt://127.0.0.1:${campus.mqttPort}`, {
    clientId,
    username,
    password,
    reconnectPeriod: 200,
    will: {
      topic: `${topicPrefix}state`,
      payload: Buffer.from(`{"s":"offline","ts":${Date.now()}}`),
      qos: 1,
      retain: true,
    },
  });
  client.on('error', () => undefined);
  onTestFinished(() => void client.end(true));
  const startAt = Date.now() - 600_000;
  let sent = 0;
  let acknowledged = 0;
  const enough = new AbortController();
  const load = (async () => {
    while (!enough.signal.aborted) {
      for (let i = 0; i < 200 && sent - acknowledged < 1000; i++) {
        const body = { ts: startAt + sent * 5, seq: sent++, boot: 'b', m: { co2_ppm: 600 } };
        client.publish(`${topicPrefix}telemetry`, JSON.stringify(body), { qos: 1 }, (error) => {
          if (!error) acknowledged++;
        });
      }
      await sleep(20);
    }
  })();
  await eventually('some load', () => acknowledged > 2000, 60_000);
  await eventually('all to be online', async () => {
    const all = Object.values(await states());
    return all.length === 6 && all.every((state) => state === 'online');
  });
  const before = acknowledged;
  redis.disconnect();
  expect(await campus.stop()).toBe(0);
  await campus.up();
  redis = new Redis((await campus.status()).redis);
  onTestFinished(() => redis.disconnect());
  await eventually('the device to be back', () => acknowledged > before + 2000, 60_000);
  enough.abort();
  await load;
  await eventually('all PUBACKs', () => acknowledged === sent, 60_000);

  const ledger = await eventually('everything to be settled', async () => {
    const found = await readDeviceLedger(redis, 'steady');
    return (found?.written ?? 0) >= sent && found;
  });
  expect(ledger).toMatchObject({
    received: sent + ledger.duplicates,
    written: sent,
    quarantined: 0,
    gaps: 0,
  });
  const { influx } = await campus.status();
  const database = await openInflux({ url: influx.url, bucket: influx.database });
  expect(await database.query('SELECT count(co2_ppm) FROM sensor')).toMatchObject([{ count: sent }]);

  // A broker of the two dies, then Redis stalls: longer than any device may be silent.
  const pidOf = async (role: string) =>
    (await campus.status()).processes.find((process) => process.role === role)?.pid ?? Number.NaN;
  process.kill(await pidOf('broker'), 'SIGKILL');
  await sleep(1000);
  const redisPid = await pidOf('redis');
  process.kill(redisPid, 'SIGSTOP');
  await sleep(11_000);
  process.kill(redisPid, 'SIGCONT');
  await eventually('all roles to be well', async () =>
    (await campus.status()).processes.every(({ ready }) => ready),
  );
  // Longer than after any of it a device would have been missed.
  await sleep(12_000);

  // Our stop ended their connections, which says nothing of the devices: no Will, no silence, nobody gone.
  const { reported } = await readTwin(redis, 'steady');
  expect(reported.state).toBeUndefined();
  const online = [...Object.keys(classes), 'steady'].map((device) => `${device} online`);
  expect((await changes()).sort()).toEqual(online.sort());
  expect((await campus.json('alarms', '--all')) as Alarm[]).toEqual([]);

  // The mains of the gateway and all behind it fail; one device hangs, one goes to sleep, one just goes.
  for (const id of ['ap-room', 'gw', 'ap']) devices[id]?.cut();
  if (devices['hung'] !== undefined) devices['hung'].reporting = false;
  await devices['sleeper']?.sleep();
  client.stream.destroy();
  await client.endAsync(true);
  await eventually(
    'everybody to be judged',
    async () => {
      expect(await states()).toEqual({
        ap: 'unknown',
        'ap-room': 'unknown',
        gw: 'offline',
        hung: 'stale',
        sleeper: 'sleeping',
        steady: 'offline',
      });
      return true;
    },
    60_000,
  );
  const alarms = async (which: 'active' | 'all') =>
    (await listAlarms(redis, which)).map(({ rule, device }) => `${rule} ${device}`).sort();
  const raised = ['hangs hung', 'silent gw', 'silent hung'];
  await eventually('the alarms', async () => isDeepStrictEqual(await alarms('active'), raised), 60_000);
  await eventually('them to be counted', async () => {
    const metrics = await (await fetch(`${(await campus.status()).http}/metrics`)).text();
    return /^pc_devices\{[^}]*presence="stale"[^}]*\} 1$/m.test(metrics);
  });

  // Power is back, once more interrupted for a moment.
  for (const id of ['ap-room', 'gw', 'ap']) devices[id]?.restore();
  const others = async () => (await states())['ap-room'] === 'online' && (await states())['gw'] === 'online';
  await eventually('them to be back', others, 60_000);
  devices['ap']?.cut();
  devices['ap']?.restore();
  // Who is removed is nobody's concern any more, without a restart.
  await campus.run('registry', 'remove', 'device', 'hung');
  await eventually('no alarm to be left', async () => (await alarms('active')).length === 0, 60_000);
  const ended = (await campus.json('alarms', '--all')) as Alarm[];
  expect(ended.filter(({ reason }) => reason === 'device_removed').map(({ device }) => device)).toEqual([
    'hung',
    'hung',
  ]);
  expect(await alarms('all')).toEqual(raised);
  const listed = (await campus.json('presence', '--site', 'school-1')) as { device: string }[];
  expect(listed.map(({ device }) => device)).not.toContain('hung');
  const told = await changes();
  for (const id of ['ap', 'ap-room'])
    expect(told.filter((line) => line.startsWith(`${id} `))).toEqual([
      `${id} online`,
      `${id} unknown`,
      `${id} online`,
    ]);
}, 600_000);

test('the demo goes on where it was, on its own clock, and repeats no mail', async () => {
  const campus = await CampusProcess.start({}, 'demo');
  onTestFinished(() => campus.remove());
  const mails = async () =>
    (await readdir(join(campus.dataDir, 'outbox')).catch(() => [])).filter((name) => name.endsWith('.eml'));
  await eventually(
    'alarms raised and cleared, and mails',
    async () => {
      const { alarms } = await campus.status();
      return alarms.active + alarms.cleared > 3 && alarms.cleared > 0 && (await mails()).length > 3;
    },
    180_000,
  );
  expect(campus.output).toContain('raised');
  expect(await campus.stop()).toBe(0);
  const first = await mails();
  expect(campus.output).toContain('Everything acknowledged is on disk');

  await campus.up();
  const again = await campus.status();
  await eventually('new readings', async () => (await campus.status()).ledger.written > again.ledger.written);
  const { ledger } = await campus.status();
  expect(ledger).toMatchObject({ quarantined: 0 });
  expect(ledger.received).toBe(ledger.written + ledger.duplicates + ledger.pending);
  const all = await mails();
  expect(all).toEqual(expect.arrayContaining(first));
  // A mail's name is its transition and recipient: a second one of the same would have the same name but
  // for the time it carries.
  const transitions = all.map((name) => name.slice(name.indexOf('_')));
  expect(new Set(transitions).size).toBe(transitions.length);
}, 300_000);
