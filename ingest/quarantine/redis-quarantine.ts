import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import type { RejectReason } from '../../devices/telemetry.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { findDevice } from '../../devices/redis-registry.js';
import { resolveAliases } from '../../devices/profiles/sparkplug/birth.js';
import type { Birth } from '../../devices/profiles/sparkplug/birth.js';
import { nodeName, parseSparkplugTopic } from '../../devices/profiles/sparkplug/sparkplug-topic.js';
import { encodeFrame } from '../log/frame.js';
import type { MessageRecord } from '../log/frame.js';
import type { Origin } from '../log/origin.js';
import type { Quarantined } from './quarantine.js';

/** A quarantined message with its id, `shard:stream-id`. */
export interface QuarantineItem extends Quarantined {
  readonly id: string;
}

/** Newest first, at most `count`, of one reason where it is given. */
export async function listQuarantine(
  redis: Redis,
  filter: { readonly count: number; readonly reason?: string | undefined },
): Promise<QuarantineItem[]> {
  const found: QuarantineItem[] = [];
  for await (const item of scanQuarantine(redis)) {
    if (filter.reason === undefined || item.reason === filter.reason) found.push(item);
  }
  return found.sort((a, b) => b.arrivedAt - a.arrivedAt).slice(0, filter.count);
}

/**
 * KEYS[1] quarantine stream, KEYS[2] log stream, KEYS[3] appended counter; ARGV[1] quarantine id, ARGV[2]
 * frame. Returns 1, or 0 when the item is no longer there. Atomic: an item is in one of the two places.
 */
const replayScript = `
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('INCRBY', KEYS[3], 1)
redis.call('XADD', KEYS[2], '*', 'f', ARGV[2])
return 1`;

/** Which items to send back: those with the ids, those of the reason, or all. */
export interface ReplayFilter {
  readonly ids?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  /** Whether readings may go that overwrite another one of the same time. @defaultValue false */
  readonly overwrite?: boolean | undefined;
}

/** What came of a replay. */
export interface ReplayOutcome {
  readonly replayed: number;
  /** Stayed, because only their first bytes were kept. */
  readonly cut: number;
  /** Stayed, because they would overwrite another reading. */
  readonly overwriting: number;
  /** Stayed, because their device is not registered. */
  readonly unregistered: number;
  /** Ids that nothing in quarantine has; then nothing was sent. */
  readonly unknownIds: readonly string[];
}

/**
 * Sends items back through the pipeline, to be used after what was wrong has been mended. What still can not
 * be understood returns to the quarantine; what can is stored, as late data that raises nothing.
 */
export async function replayQuarantine(redis: Redis, filter: ReplayFilter): Promise<ReplayOutcome> {
  const { ids, reason, overwrite = false } = filter;
  const unknownIds = new Set(ids);
  const items: QuarantineItem[] = [];
  let cut = 0;
  let overwriting = 0;
  let unregistered = 0;
  for await (const item of scanQuarantine(redis)) {
    if (reason !== undefined && item.reason !== reason) continue;
    if (ids !== undefined && !unknownIds.delete(item.id)) continue;
    if (item.cutFrom !== undefined) cut += 1;
    else if (item.reason === 'same_timestamp' && !overwrite) overwriting += 1;
    else if (await isOfStranger(redis, item)) unregistered += 1;
    else items.push(item);
  }
  if (unknownIds.size > 0)
    return { replayed: 0, cut: 0, overwriting: 0, unregistered: 0, unknownIds: [...unknownIds] };
  let replayed = 0;
  for (const item of items) replayed += await sendBack(redis, item);
  return { replayed, cut, overwriting, unregistered, unknownIds: [] };
}

/** How many items there are of each reason, by the reason. */
export async function countQuarantine(redis: Redis): Promise<ReadonlyMap<RejectReason, number>> {
  const counts = new Map<RejectReason, number>();
  for await (const { reason } of scanQuarantine(redis)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

/** Whether it was sent by a device that is still not registered as what it said to be. */
async function isOfStranger(redis: Redis, item: QuarantineItem): Promise<boolean> {
  if (item.reason !== 'unknown_device' || item.origin !== undefined) return false;
  const device = await findDevice(redis, item.device);
  return device?.site !== item.site || device?.deviceClass !== item.deviceClass;
}

/** @returns 1, or 0 when the item is no longer there */
export async function sendBack(redis: Redis, item: QuarantineItem): Promise<number> {
  const { id } = item;
  const shard = Number(id.slice(0, id.indexOf(':')));
  return (await redis.eval(
    replayScript,
    3,
    redisKeys.quarantine(shard),
    redisKeys.log(shard),
    redisKeys.appended(shard),
    id.slice(id.indexOf(':') + 1),
    encodeFrame([await toRecord(redis, item)]),
  )) as number;
}

/** The item as it goes into the log again. What the registry says of its devices is asked anew. */
async function toRecord(redis: Redis, item: QuarantineItem): Promise<MessageRecord> {
  const { reason, device, client, topic, arrivedAt, payload, index } = item;
  const record = { kind: 'message', arrivedAt, client, topic, payload, index, replayed: true } as const;
  if (item.origin === undefined) {
    const unregistered = reason === 'unknown_device';
    return { ...record, foreignTopic: reason === 'not_own_topic', unregistered };
  }
  const registered = await redis.hmget(redisKeys.devices, '', ...item.origin.devices.map(({ id }) => id));
  const devices = item.origin.devices.map(({ name, id, trouble }, i) => ({
    name,
    id,
    trouble: typeof registered[i + 1] === 'string' && trouble === 'unregistered' ? undefined : trouble,
  }));
  const origin = { ...item.origin, devices, countedAs: device };
  return { ...record, payload: await withNames(redis, item), origin };
}

/** Aliases that no birth had named when the message came, named by the birth that a bridge has heard since. */
async function withNames(redis: Redis, { reason, client, topic, payload }: QuarantineItem): Promise<Buffer> {
  const parsed = reason === 'unknown_alias' ? parseSparkplugTopic(topic) : undefined;
  if (parsed === undefined) return payload;
  const bridge = client.slice(client.indexOf(':') + 1);
  const json = await redis.hget(redisKeys.bridgeBirths(bridge), nodeName(parsed));
  const birth = json === null ? undefined : (JSON.parse(json) as Birth);
  return resolveAliases(payload, birth, parsed.device ?? '') ?? payload;
}

const pageSize = 500;

/** Everything in quarantine, shard by shard, each in the order of arrival. */
export async function* scanQuarantine(redis: Redis): AsyncGenerator<QuarantineItem> {
  const shards = await readShardCount(redis);
  for (let shard = 0; shard < shards; shard++) {
    for (let from = '-'; ;) {
      const rows = await redis.xrangeBuffer(redisKeys.quarantine(shard), from, '+', 'COUNT', pageSize);
      for (const [id, fields] of rows) yield toItem(`${shard}:${id.toString('latin1')}`, fields);
      const last = rows.at(-1)?.[0].toString('latin1');
      if (rows.length < pageSize || last === undefined) break;
      from = `(${last}`;
    }
  }
}

function toItem(id: string, fields: readonly Buffer[]): QuarantineItem {
  const of = new Map<string, Buffer>();
  for (let i = 0; i + 1 < fields.length; i += 2) of.set(String(fields[i]), fields[i + 1] as Buffer);
  const text = (name: string) => of.get(name)?.toString('utf8') ?? '';
  const number = (name: string) => (of.has(name) ? Number(text(name)) : undefined);
  return {
    id,
    reason: text('reason') as RejectReason,
    detail: text('detail'),
    device: of.has('device') ? text('device') : text('client'),
    site: of.has('site') ? text('site') : undefined,
    deviceClass: of.has('class') ? (text('class') as DeviceClass) : undefined,
    client: text('client'),
    topic: text('topic'),
    arrivedAt: Number(text('at')),
    payload: of.get('payload') ?? Buffer.alloc(0),
    index: number('index'),
    cutFrom: number('cutFrom'),
    origin: of.has('origin') ? (JSON.parse(text('origin')) as Origin) : undefined,
  };
}
