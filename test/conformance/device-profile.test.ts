import { Redis } from 'ioredis';
import type { IConnackPacket } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueCredentials } from '../../devices/redis-credentials.js';
import type { MessageRecord } from '../../ingest/log/frame.js';
import { RedisLogReader } from '../../ingest/log/redis-log-reader.js';
import { shardOf } from '../../devices/site.js';
import { connectPacket, publishPacket, RawClient } from '../support/raw-client.js';
import { eventually } from '../support/eventually.js';
import { startTrialBroker } from '../support/trial-broker.js';
import type { TrialBroker } from '../support/trial-broker.js';

// What MQTT 3.1.1 means for a registered device, whose session is never kept and who hears commands alone.
let broker: TrialBroker;
let redis: Redis;

beforeAll(async () => {
  broker = await startTrialBroker({ open: false });
  redis = new Redis(broker.redis.url);
});
afterAll(async () => {
  redis.disconnect();
  await broker.stop();
});

async function device(id: string) {
  const issued = await issueCredentials(redis, { site: 's1', device: id, deviceClass: 'sensor' });
  const credentials = { clientId: id, username: id, password: Buffer.from(issued.password) };
  return { credentials, prefix: issued.topicPrefix };
}

async function logged(client: string): Promise<MessageRecord[]> {
  const entries = await new RedisLogReader(redis).readAfter(shardOf('s1', 4), '0-0', 10_000);
  return entries
    .flatMap(({ records }) => records)
    .filter((record) => record.kind === 'message')
    .filter((record) => record.client === client);
}

test('SUBACK says what is granted: at most QoS 1 on its own commands, 0x80 for all else', async () => {
  const { credentials, prefix } = await device('p1');
  const client = await RawClient.connect(broker.port, credentials);
  expect(
    await client.subscribe(
      [`${prefix}cmd`, 2],
      [`${prefix}cmd`, 0],
      [`${prefix}+`, 1],
      ['#', 0],
      [`${prefix}cmd/#`, 0],
    ),
  ).toEqual([1, 0, 128, 128, 128]);
  client.destroy();
});

test('no session is kept, whatever the device asks for', async () => {
  const { credentials, prefix } = await device('p2');
  for (let i = 0; i < 2; i++) {
    const client = await RawClient.open(broker.port);
    client.send(connectPacket({ ...credentials, clean: false }));
    expect(await client.next<IConnackPacket>('connack')).toMatchObject({
      sessionPresent: false,
      returnCode: 0,
    });
    await client.subscribe([`${prefix}cmd`, 1], ['#', 1]);
    await client.disconnect();
  }
});

test('QoS 2 is taken, too: one record in the log, however often it is sent before PUBREL', async () => {
  const { credentials, prefix } = await device('p3');
  const client = await RawClient.connect(broker.port, credentials);
  const topic = `${prefix}telemetry`;
  client.send(
    publishPacket(topic, '{}', { qos: 2, messageId: 3 }),
    publishPacket(topic, '{}', { qos: 2, messageId: 3, dup: true }),
  );
  await client.next('pubrec');
  client.send(publishPacket(topic, '{}', { qos: 2, messageId: 3, dup: true }));
  await client.next('pubrec');
  client.send({ cmd: 'pubrel', messageId: 3 });
  await client.next('pubcomp');
  expect(await logged('p3')).toHaveLength(1);
  client.destroy();
});

test('a Will under its own topic is logged, one under another’s is logged as foreign', async () => {
  for (const [id, topic, foreignTopic] of [
    ['p4', 'state', false],
    ['p5', '../p4/state', true],
  ] as const) {
    const { credentials, prefix } = await device(id);
    const will = {
      topic: prefix + topic,
      payload: Buffer.from('{"s":"offline"}'),
      qos: 1 as const,
      retain: true,
    };
    const client = await RawClient.connect(broker.port, { ...credentials, will });
    client.destroy();
    const [record] = await eventually('the Will', async () => {
      const records = await logged(id);
      return records.length > 0 && records;
    });
    expect(record?.foreignTopic === true).toBe(foreignTopic);
  }
});

test('who does not know the secret gets CONNACK 4, and what came with the CONNECT is not processed', async () => {
  const { credentials, prefix } = await device('p6');
  const client = await RawClient.open(broker.port);
  client.send(
    connectPacket({ ...credentials, password: Buffer.from('wrong') }),
    publishPacket(`${prefix}telemetry`, '{}', { qos: 1, messageId: 1 }),
  );
  expect(await client.next('connack')).toMatchObject({ returnCode: 4, sessionPresent: false });
  await client.closed();
  expect(await logged('p6')).toEqual([]);
});
