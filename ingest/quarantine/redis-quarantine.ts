import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import { rejectReasons } from '../../devices/telemetry.js';
import type { RejectReason } from '../../devices/telemetry.js';
import { accountOf } from '../../devices/account.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { Device } from '../../devices/device.js';
import { findAccount } from '../../devices/redis-accounts.js';
import { findDevice } from '../../devices/redis-registry.js';
import { shardOf } from '../../devices/site.js';
import { parseTopic } from '../../devices/topic.js';
import { resolveAliases } from '../../devices/profiles/sparkplug/birth.js';
import type { Birth } from '../../devices/profiles/sparkplug/birth.js';
import { nodeName, parseSparkplugTopic } from '../../devices/profiles/sparkplug/sparkplug-topic.js';
import { encodeFrame } from '../log/frame.js';
import type { MessageRecord } from '../log/frame.js';
import { compareIds, entryTime } from '../log/log.js';
import type { Origin, OriginDevice } from '../log/origin.js';
import type { Quarantined } from './quarantine.js';
import { luaHeld } from './redis-retention.js';
import type { QuarantineSize } from './retention.js';

/** A quarantined message with its id, `shard:stream-id`. */
export interface QuarantineItem extends Quarantined {
  readonly id: string;
}

/** Newest first, at most `count`, of one reason where it is given; reads no more than it has to. */
export async function listQuarantine(
  redis: Redis,
  filter: { readonly count: number; readonly reason?: string | undefined },
): Promise<QuarantineItem[]> {
  const shards = await readShardCount(redis);
  const newest = Array.from({ length: shards }, (_, shard) => scanShard(redis, shard, 'backwards'));
  const heads = await Promise.all(newest.map(async (items) => (await items.next()).value));
  const found: QuarantineItem[] = [];
  while (found.length < filter.count) {
    const latest = heads.reduce<number | undefined>((best, item, i) => {
      if (item === undefined) return best;
      const known = best === undefined ? undefined : heads[best];
      return known === undefined || compareIds(streamIdOf(item), streamIdOf(known)) > 0 ? i : best;
    }, undefined);
    const item = latest === undefined ? undefined : heads[latest];
    if (latest === undefined || item === undefined) break;
    if (filter.reason === undefined || item.reason === filter.reason) found.push(item);
    heads[latest] = (await newest[latest]?.next())?.value;
  }
  return found;
}

/**
 * KEYS[1] quarantine stream, KEYS[2] what it holds, KEYS[3] log stream, KEYS[4] appended counter; ARGV[1] quarantine
 * id, ARGV[2] frame. Returns 1, or 0 when the item is no longer there. Atomic: an item is in one of the two places.
 */
const replayScript = `
${luaHeld}
if not take(KEYS[1], KEYS[2], ARGV[1]) then return 0 end
redis.call('INCRBY', KEYS[4], 1)
redis.call('XADD', KEYS[3], '*', 'f', ARGV[2])
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
  const outcome = { replayed: 0, cut: 0, overwriting: 0, unregistered: 0 };
  const unknownIds: string[] = [];
  const chosen: QuarantineItem[] = [];
  for (const id of new Set(ids)) {
    const item = await findItem(redis, id);
    if (item === undefined) unknownIds.push(id);
    else chosen.push(item);
  }
  if (unknownIds.length > 0) return { ...outcome, unknownIds };
  for await (const item of ids === undefined ? scanQuarantine(redis) : chosen) {
    if (reason !== undefined && item.reason !== reason) continue;
    if (item.cutFrom !== undefined) outcome.cut += 1;
    else if (item.reason === 'same_timestamp' && !overwrite) outcome.overwriting += 1;
    else if (await isOfStranger(redis, item)) outcome.unregistered += 1;
    else outcome.replayed += await sendBack(redis, item);
  }
  return { ...outcome, unknownIds };
}

/** How many messages and elements of messages there are of each reason, by the reason. */
export async function countQuarantine(redis: Redis): Promise<ReadonlyMap<RejectReason, number>> {
  const { reasons } = await summarizeQuarantine(redis);
  return new Map(reasons.flatMap(({ reason, held }) => (held === 0 ? [] : [[reason, held] as const])));
}

/** What is in quarantine, and what was. */
export interface QuarantineSummary extends QuarantineSize {
  readonly reasons: readonly {
    readonly reason: RejectReason;
    /** Messages and elements of messages that are there now. */
    readonly held: number;
    /** Those that newer ones have pushed out. */
    readonly expired: number;
  }[];
  /** When the oldest of all came to quarantine, wall epoch ms; undefined when there is none. */
  readonly oldestAt?: number | undefined;
}

/** Adds up the quarantine of all shards; costs the same however much is in it. */
export async function summarizeQuarantine(redis: Redis): Promise<QuarantineSummary> {
  const shards = await readShardCount(redis);
  const size = { items: 0, bytes: 0 };
  const held = new Map<string, number>();
  const expired = new Map<string, number>();
  let oldestAt: number | undefined;
  const add = (to: Map<string, number>, name: string, count: number) =>
    to.set(name, (to.get(name) ?? 0) + count);
  for (let shard = 0; shard < shards; shard++) {
    const [items, fields, expiredJson, [first]] = await Promise.all([
      redis.xlen(redisKeys.quarantine(shard)),
      redis.hgetall(redisKeys.quarantineHeld(shard)),
      redis.hget(redisKeys.store(shard), '@expired'),
      redis.xrange(redisKeys.quarantine(shard), '-', '+', 'COUNT', 1),
    ]);
    size.items += items;
    for (const [name, count] of Object.entries(fields)) {
      if (name === '@bytes') size.bytes += Number(count);
      else add(held, name, Number(count));
    }
    for (const [name, count] of Object.entries(JSON.parse(expiredJson ?? '{}') as Record<string, number>)) {
      add(expired, name, count);
    }
    if (first !== undefined) oldestAt = Math.min(oldestAt ?? Infinity, entryTime(first[0]));
  }
  const reasons = rejectReasons
    .map((reason) => ({ reason, held: held.get(reason) ?? 0, expired: expired.get(reason) ?? 0 }))
    .filter((each) => each.held > 0 || each.expired > 0);
  return { ...size, reasons, oldestAt };
}

/** Whether it was sent by a device that is still not registered as what it said to be. */
async function isOfStranger(redis: Redis, item: QuarantineItem): Promise<boolean> {
  if (item.reason !== 'unknown_device' || item.origin !== undefined) return false;
  const device = await findDevice(redis, item.device);
  return device?.site !== item.site || device?.deviceClass !== item.deviceClass;
}

/** @returns 1, or 0 when the item is no longer there */
export async function sendBack(redis: Redis, item: QuarantineItem): Promise<number> {
  const shard = Number(item.id.slice(0, item.id.indexOf(':')));
  return (await redis.eval(
    replayScript,
    4,
    redisKeys.quarantine(shard),
    redisKeys.quarantineHeld(shard),
    redisKeys.log(shard),
    redisKeys.appended(shard),
    streamIdOf(item),
    encodeFrame([await toRecord(redis, item)]),
  )) as number;
}

/** The item as it goes into the log again. What the registry says of its devices and accounts is asked anew. */
async function toRecord(redis: Redis, item: QuarantineItem): Promise<MessageRecord> {
  const { reason, device, client, topic, arrivedAt, payload, index, count: held } = item;
  const record = { kind: 'message', arrivedAt, client, topic, payload, index, held, replayed: true } as const;
  if (item.origin === undefined) {
    const unregistered = reason === 'unknown_device';
    const foreignTopic = reason === 'not_own_topic' && !(await mayNowSpeak(redis, item));
    // In the ledger it is taken back from whom it was counted for.
    return { ...record, client: device, foreignTopic, unregistered };
  }
  const { origin } = item;
  const registered = await redis.hmget(redisKeys.devices, '', ...origin.devices.map(({ id }) => id));
  const devices = origin.devices.map(({ name, id, deviceClass }, i): OriginDevice => {
    const named = { name, id, deviceClass };
    const wanted = { site: origin.site, deviceClass: deviceClass ?? origin.deviceClass };
    const trouble = troubleOf(registered[i + 1], wanted);
    return trouble === undefined ? named : { ...named, trouble };
  });
  return {
    ...record,
    payload: await withNames(redis, item),
    origin: { ...origin, devices, countedAs: device },
  };
}

function troubleOf(
  json: string | null | undefined,
  wanted: Pick<Device, 'site' | 'deviceClass'>,
): OriginDevice['trouble'] {
  if (typeof json !== 'string') return 'unregistered';
  const { site, deviceClass } = JSON.parse(json) as Device;
  return site === wanted.site && deviceClass === wanted.deviceClass ? undefined : 'elsewhere';
}

/** Whether who published it may now do so: an account for its site, or the device itself, which is registered so. */
async function mayNowSpeak(redis: Redis, { id, client, topic }: QuarantineItem): Promise<boolean> {
  const parsed = parseTopic(topic);
  if ('wrong' in parsed) return false;
  const { site, deviceClass, device } = parsed;
  // It goes back to the log it came from, which has to be that of its site.
  if (shardOf(site, await readShardCount(redis)) !== Number(id.slice(0, id.indexOf(':')))) return false;
  if (troubleOf(await redis.hget(redisKeys.devices, device), { site, deviceClass }) !== undefined)
    return false;
  const name = accountOf(client);
  if (name === undefined) return client === device;
  const found = await findAccount(redis, name);
  return found?.account.kind === 'bridge' && found.sites.includes(site);
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

/** A payload may have a megabyte. */
const pageSize = 100;

/**
 * Everything that is in quarantine when it begins, shard by shard, each in the order of arrival. What is replayed
 * meanwhile and comes back is not met again.
 */
export async function* scanQuarantine(redis: Redis): AsyncGenerator<QuarantineItem> {
  const shards = await readShardCount(redis);
  for (let shard = 0; shard < shards; shard++) yield* scanShard(redis, shard, 'forwards');
}

async function* scanShard(
  redis: Redis,
  shard: number,
  direction: 'forwards' | 'backwards',
): AsyncGenerator<QuarantineItem, undefined> {
  const key = redisKeys.quarantine(shard);
  const [newest] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
  if (newest === undefined) return undefined;
  const [end] = newest;
  for (let from = direction === 'forwards' ? '-' : end; ;) {
    const rows =
      direction === 'forwards'
        ? await redis.xrangeBuffer(key, from, end, 'COUNT', pageSize)
        : await redis.xrevrangeBuffer(key, from, '-', 'COUNT', pageSize);
    for (const [id, fields] of rows) yield toItem(`${shard}:${id.toString('latin1')}`, fields);
    const last = rows.at(-1)?.[0].toString('latin1');
    if (rows.length < pageSize || last === undefined) return undefined;
    from = `(${last}`;
  }
}

/** The item of the id; undefined where there is none, and where this is no id. */
export async function findItem(redis: Redis, id: string): Promise<QuarantineItem | undefined> {
  const [, shard, streamId] = /^(\d{1,3}):(\d{1,19}-\d{1,19})$/.exec(id) ?? [];
  if (shard === undefined || streamId === undefined) return undefined;
  const [row] = await redis.xrangeBuffer(redisKeys.quarantine(Number(shard)), streamId, streamId);
  return row === undefined ? undefined : toItem(id, row[1]);
}

function streamIdOf({ id }: QuarantineItem): string {
  return id.slice(id.indexOf(':') + 1);
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
    count: number('count'),
    cutFrom: number('cutFrom'),
    origin: of.has('origin') ? (JSON.parse(text('origin')) as Origin) : undefined,
  };
}
