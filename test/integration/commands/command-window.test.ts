import { Redis } from 'ioredis';
import type { IPublishPacket } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCommand } from '../../../devices/redis-command-list.js';
import { cancelCommand, issueCommand } from '../../../devices/redis-commands.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import { loadRegistry, replaceRegistry } from '../../../devices/redis-registry-snapshot.js';
import { keepDesired, readTwin } from '../../../devices/redis-twin.js';
import { eventually } from '../../support/eventually.js';
import { RawClient } from '../../support/raw-client.js';
import { startTrialBroker } from '../../support/trial-broker.js';
import type { TrialBroker } from '../../support/trial-broker.js';

let redis: Redis;
let broker: TrialBroker;
let port: number;

beforeAll(async () => {
  broker = await startTrialBroker({}, { UNACKNOWLEDGED_PER_CLIENT: '1', LOG_SHARDS: '4' });
  redis = new Redis(broker.redis.url);
  port = broker.port;
});
afterAll(async () => {
  redis.disconnect();
  await broker.stop();
});

/** A device that acknowledges nothing by itself. */
async function connect(device: string) {
  const known = await issueCredentials(redis, { site: 's1', device, deviceClass: 'ap' });
  const { clientId, username, topicPrefix } = known;
  const client = await RawClient.connect(port, {
    clientId,
    username,
    password: Buffer.from(known.password),
  });
  return { client, topic: `${topicPrefix}cmd` };
}
const issue = async (device: string, validMs = 60_000) => {
  const wanted = { device, action: 'reboot', args: {}, issuedBy: 'test', expiresAt: Date.now() + validMs };
  return (await issueCommand(redis, wanted, Date.now())).command;
};
const next = async (client: RawClient) => {
  const { payload, messageId = 0 } = await client.next<IPublishPacket>('publish');
  return { id: (JSON.parse(payload.toString()) as { id: string }).id, messageId };
};

test('behind one that is not confirmed a command waits at the table: expired or cancelled there, it never leaves', async () => {
  const { client, topic } = await connect('slow');
  await client.subscribe([topic, 1]);
  const first = await issue('slow');
  const { id, messageId } = await next(client);
  expect(id).toBe(first.id);
  const late = await issue('slow', 1000);
  const cancelled = await issue('slow');
  const last = await issue('slow');
  // The broker has heard of all: the announcement of this one came behind theirs.
  const other = await connect('other');
  await other.client.subscribe([other.topic, 1]);
  await issue('other');
  await next(other.client);
  await cancelCommand(redis, cancelled.id, 'wang', Date.now());
  await eventually('the expiry', () => Date.now() > late.expiresAt);
  client.send({ cmd: 'puback', messageId });
  // Told as soon as there is room.
  expect((await next(client)).id).toBe(last.id);
  for (const each of [late, cancelled]) expect((await findCommand(redis, each.id))?.attempts).toBe(0);
  client.destroy();
  other.client.destroy();
});

test('who unsubscribes and subscribes again on one connection is not sent a command again', async () => {
  const { client, topic } = await connect('again');
  await client.subscribe([topic, 1]);
  const once = await issue('again');
  const { id, messageId } = await next(client);
  expect(id).toBe(once.id);
  client.send({ cmd: 'puback', messageId });
  await eventually('it to be confirmed', async () => {
    return (await findCommand(redis, once.id))?.state === 'delivered';
  });
  for (let i = 0; i < 5; i++) {
    client.send({ cmd: 'unsubscribe', messageId: 900 + i, unsubscriptions: [topic] });
    await client.next('unsuback');
    // Nothing is sent to who does not listen.
    if (i === 2) await issue('again');
    expect(await client.messages()).toEqual([]);
    await client.subscribe([topic, 1]);
    if (i === 2) client.send({ cmd: 'puback', messageId: (await next(client)).messageId });
  }
  const marker = await issue('again');
  expect((await next(client)).id).toBe(marker.id);
  expect((await findCommand(redis, once.id))?.attempts).toBe(1);
  client.destroy();
});

test('what was under way for a device is not for the next one of its id, though who removed it was killed at once', async () => {
  const wanted = { site: 's1', device: 'anew', deviceClass: 'ap' } as const;
  const first = await connect('anew');
  first.client.destroy();
  const left = await issue('anew');
  await keepDesired(redis, 'anew', 'parts.radio5.channel', { value: 36, at: Date.now(), by: 'wang' });
  // The registry is changed; what comes after that is not done any more.
  const snapshot = await loadRegistry(redis);
  const devices = new Map([...snapshot.registry.devices].filter(([id]) => id !== wanted.device));
  expect(await replaceRegistry(redis, snapshot, { ...snapshot.registry, devices })).toBe(true);
  await registerDevice(redis, wanted);
  expect((await readTwin(redis, 'anew')).desired).toEqual({});
  const { client, topic } = await connect('anew');
  await client.subscribe([topic, 1]);
  const own = await issue('anew');
  expect((await next(client)).id).toBe(own.id);
  expect(await findCommand(redis, left.id)).toMatchObject({ state: 'cancelled', attempts: 0 });
  client.destroy();
});
