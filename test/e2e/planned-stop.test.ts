import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import type { Alarm } from '../../rules/alarm.js';
import type { Presence } from '../../devices/presence.js';
import { readTwin } from '../../devices/redis-twin.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { CampusProcess } from '../support/campus-process.js';
import { eventually } from '../support/eventually.js';

async function presenceOf(campus: CampusProcess, device: string): Promise<Presence | undefined> {
  const redis = new Redis((await campus.status()).redis);
  const json = await redis.hget(redisKeys.presence, device);
  redis.disconnect();
  return json === null ? undefined : (JSON.parse(json) as Presence);
}

test('Ctrl-C under load and a new start lose nothing, and nobody is taken for gone', async () => {
  const campus = await CampusProcess.start();
  onTestFinished(() => campus.remove());
  const { clientId, username, password, topicPrefix } = await campus.issue('school-1', 'steady');
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
  const before = acknowledged;
  expect(await campus.stop()).toBe(0);
  await campus.up();
  await eventually('the device to be back', () => acknowledged > before + 2000, 60_000);
  enough.abort();
  await load;
  await eventually('all PUBACKs', () => acknowledged === sent, 60_000);

  const { ledger, influx } = await eventually('everything to be settled', async () => {
    const status = await campus.status();
    return status.ledger.pending === 0 && status.ledger.written >= sent && status;
  });
  expect(ledger.received).toBe(ledger.written + ledger.quarantined + ledger.duplicates);
  expect(ledger).toMatchObject({ written: sent, quarantined: 0, gaps: 0 });
  const database = await openInflux({ url: influx.url, bucket: influx.database });
  expect(await database.query('SELECT count(co2_ppm) FROM sensor')).toMatchObject([{ count: sent }]);

  // Our stop ended its connection, which says nothing of the device: no Will, no silence, no offline.
  const redis = new Redis((await campus.status()).redis);
  const { reported } = await readTwin(redis, 'steady');
  redis.disconnect();
  expect(reported.state).toBeUndefined();
  expect(await presenceOf(campus, 'steady')).toMatchObject({ state: 'online' });
  expect((await campus.json('alarms', '--all')) as Alarm[]).toEqual([]);

  // Its own end does.
  client.stream.destroy();
  await client.endAsync(true);
  await eventually('it to be offline', async () => (await presenceOf(campus, 'steady'))?.state === 'offline');
}, 300_000);

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
