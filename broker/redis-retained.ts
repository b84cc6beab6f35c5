import { setTimeout as sleep } from 'node:timers/promises';
import { parseTopic } from '../devices/topic.js';
import type { DeviceTopic } from '../devices/topic.js';
import { decodeRetained } from '../ingest/log/retained.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { ClientConnection } from './client-connection.js';
import type { Qos } from './guard/check-subscribe.js';
import type { RegisteredDevices } from './redis-registered-devices.js';
import { highestGrant } from './session-states.js';

const pageSize = 500;
/** Messages waiting for a client above which no more are read for it. */
const mostWaiting = 1000;
const waitMs = 20;

interface Kept {
  readonly topic: string;
  readonly value: Buffer;
  readonly of: DeviceTopic;
}

/**
 * Sends what is retained of devices to a client that has subscribed: the same at every broker, for the log's
 * writers keep it in Redis together with the log. What is left of devices that are not registered under the
 * topic any more is removed on the way.
 * @param newer topics that the client has heard of meanwhile; what was sent is added
 */
export async function sendRetained(
  parts: { readonly redis: Redis; readonly registered: RegisteredDevices },
  connection: ClientConnection,
  granted: ReadonlyMap<string, Qos>,
  shards: Iterable<number>,
  newer: Set<string>,
): Promise<void> {
  for (const shard of shards) {
    for (let cursor = '0'; ;) {
      const [next, fields] = await parts.redis.hscanBuffer(
        redisKeys.retained(shard),
        cursor,
        'COUNT',
        pageSize,
      );
      for (const { topic, value } of await registeredOnly(
        parts,
        shard,
        wanted(fields, connection, granted),
      )) {
        if (newer.has(topic)) continue;
        newer.add(topic);
        const { qos, payload } = decodeRetained(value);
        const most = highestGrant(granted, topic) ?? 0;
        connection.deliver({ topic, payload, qos: Math.min(qos, most) as Qos, retain: true });
      }
      while (!connection.ended && isBusy(connection)) await sleep(waitMs);
      cursor = next.toString();
      if (cursor === '0' || connection.ended) break;
    }
  }
}

function isBusy({ congested, state }: ClientConnection): boolean {
  return congested || (state !== undefined && state.outbox.waiting > mostWaiting);
}

function wanted(
  fields: readonly Buffer[],
  { session }: ClientConnection,
  granted: ReadonlyMap<string, Qos>,
): readonly Kept[] {
  const found: Kept[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const topic = String(fields[i]);
    if (session?.rights.mayReceive(topic) !== true || highestGrant(granted, topic) === undefined) continue;
    const of = parseTopic(topic);
    if (!('wrong' in of)) found.push({ topic, value: fields[i + 1] as Buffer, of });
  }
  return found;
}

async function registeredOnly(
  { redis, registered }: Parameters<typeof sendRetained>[0],
  shard: number,
  kept: readonly Kept[],
): Promise<readonly Kept[]> {
  const standings = await Promise.all(
    kept.map(async ({ of: { device: id, deviceClass, site } }) => {
      return (
        registered.atHand({ id, deviceClass }, site) ??
        (await registered.standing([{ id, deviceClass }], site))[0]
      );
    }),
  );
  const isLeft = (i: number) => standings[i] !== 'registered';
  const left = kept.filter((_, i) => isLeft(i)).map(({ topic }) => topic);
  if (left.length > 0) await redis.hdel(redisKeys.retained(shard), ...left);
  return kept.filter((_, i) => !isLeft(i));
}
