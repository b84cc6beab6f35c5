import { setTimeout as sleep } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Incident } from '../../alerts/incidents/incident.js';
import { freePort } from '../../cli/stores/free-port.js';
import type { Alarm } from '../../rules/alarm.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { CampusProcess } from '../support/campus-process.js';
import { eventually } from '../support/eventually.js';

const devices = 20;
const readingsPerDevice = 1000;
const total = devices * readingsPerDevice;
const storyMs = 30 * 60_000;

let campus: CampusProcess;
let smtp: SMTPServer;
/** Message-ID of every mail that was accepted, in order. */
const mails: string[] = [];

beforeAll(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, callback) {
      simpleParser(stream).then(
        (mail) => {
          mails.push(mail.messageId ?? '');
          callback();
        },
        (error: unknown) => callback(error as Error),
      );
    },
  });
  const smtpPort = await freePort();
  await new Promise<void>((resolve) => smtp.listen(smtpPort, '127.0.0.1', resolve));
  campus = await CampusProcess.start({
    SMTP_URL: `smtp://127.0.0.1:${smtpPort}`,
    MAIL_TO: 'duty@example.test',
    LATENESS_LIMIT_S: '3600',
    // Half an hour is told in some seconds; so short are the waits.
    INCIDENT_WAIT_S: '0.2',
    FLEETING_S: '0.1',
    INCIDENT_QUIET_S: '0.2',
    RECOVERY_GRACE_S: '0.5',
  });
}, 120_000);
afterAll(async () => {
  await campus.remove();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

test('kill -9 of every process in turn under load loses no reading, doubles no point and no mail', async () => {
  const connected: MqttClient[] = [];
  const startAt = Date.now() - storyMs;
  let acknowledged = 0;
  for (let d = 0; d < devices; d++) {
    const { clientId, username, password, topicPrefix } = await campus.issue(`site-${d % 4}`, `kill-${d}`);
    const client = mqtt.connect(`mqtt://127.0.0.1:${campus.mqttPort}`, {
      clientId,
      username,
      password,
      reconnectPeriod: 200,
    });
    client.on('error', () => undefined);
    connected.push(client);
    void (async () => {
      for (let seq = 0; seq < readingsPerDevice; seq++) {
        // Half the time the air is bad, then it is good: one alarm raised and cleared for each device.
        const co2_ppm = seq < readingsPerDevice / 2 ? 2000 : 500;
        const ts = startAt + Math.round((seq * storyMs) / readingsPerDevice);
        client.publish(
          `${topicPrefix}telemetry`,
          JSON.stringify({ ts, seq, boot: 'b', m: { co2_ppm, occupied: 1 } }),
          { qos: 1 },
          (error) => {
            if (!error) acknowledged++;
          },
        );
        if (seq % 20 === 19) await sleep(250);
      }
    })();
  }

  for (const role of ['broker', 'ingest', 'alerts', 'redis', 'influxdb']) {
    await sleep(1500);
    const victim = (await campus.status()).processes.find((process) => process.role === role);
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL');
    await eventually(`${role} to be restarted`, async () => {
      const now = (await campus.status()).processes.find((process) => process.role === role);
      return (
        now !== undefined && now.ready && now.pid !== victim?.pid && now.restarts > (victim?.restarts ?? 0)
      );
    });
  }

  await eventually('all PUBACKs', () => acknowledged === total, 60_000);
  await Promise.all(connected.map((client) => client.endAsync()));
  const status = await eventually(
    'everything to be settled',
    async () => {
      const now = await campus.status();
      return now.ledger.pending === 0 && now.ledger.written === total && now;
    },
    60_000,
  );
  const { received, written, quarantined, duplicates, gaps } = status.ledger;
  expect(received).toBe(written + quarantined + duplicates);
  expect({ written, quarantined, gaps }).toEqual({ written: total, quarantined: 0, gaps: 0 });

  const influx = await openInflux({ url: status.influx.url, bucket: status.influx.database });
  const counts = await influx.query('SELECT count(co2_ppm) FROM sensor GROUP BY device');
  expect(counts).toHaveLength(devices);
  expect(new Set(counts.map(({ count }) => count))).toEqual(new Set([readingsPerDevice]));

  const alarms = (await campus.json('alarms', '--all')) as Alarm[];
  const act = alarms.filter(({ rule }) => rule === 'co2-high');
  expect(act).toHaveLength(devices);
  expect(act.every(({ state }) => state === 'cleared')).toBe(true);
  await eventually('all incidents to be closed', async () => {
    const now = (await campus.json('incidents', 'list')) as unknown[];
    return now.length === 0;
  });
  const incidents = (await campus.json('incidents', 'list', '--all')) as Incident[];
  // Every alarm that lasted is in one incident.
  const inIncidents = incidents.reduce((n, { state, alarms }) => n + (state === 'merged' ? 0 : alarms), 0);
  expect(inIncidents).toBe(alarms.length);
  const notices = incidents.reduce((n, incident) => n + incident.notices, 0);
  await eventually('a mail for every notice', () => new Set(mails).size === notices);
  await sleep(2000); // a doubled mail would come now
  expect(mails).toHaveLength(notices);
  expect(new Set(mails).size).toBe(notices);
}, 240_000);
