import { runFenced } from '../../runtime/redis-fence.js';
import type { Fence } from '../../runtime/redis-fence.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { Redis } from '../../runtime/redis-connection.js';
import type { DeskAlarm } from './desk-alarm.js';
import type { DeskChanges, DeskState, Shelf } from './desk-changes.js';
import type { Incident, IncidentEvent } from './incident.js';

/** One Redis command: its name, its key, and the rest. */
type Command = readonly [name: string, key: string, ...rest: (string | number)[]];

/** What the desk knows as of its last turn. */
export interface SavedDesk {
  readonly turn: number;
  /** Last entry taken of each stream, by key. */
  readonly cursors: ReadonlyMap<string, string>;
  readonly state: DeskState;
}

/** The answer to an operator's action, for whoever waits for it. */
export interface KeptReply {
  readonly action: string;
  readonly json: string;
}

/** How much of what is over is kept. */
export interface Retention {
  readonly alarms: number;
  readonly incidents: number;
  /** Pipeline ms. */
  readonly ageMs: number;
}

const fieldsPerCommand = 500;
const replyTtlS = 600;

/**
 * KEYS[2] state; then the keys of the commands. ARGV[2] turn; then commands, each as the number of its arguments, its
 * name, the index of its key, and its arguments. Returns 1, or 0 when the turn is written already: the command may have
 * been sent twice. Atomic: a turn of the desk is written whole or not at all.
 */
const turnScript = `
if tonumber(redis.call('HGET', KEYS[2], '@turn') or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], '@turn', ARGV[2])
local at = 3
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  redis.call(ARGV[at + 1], KEYS[tonumber(ARGV[at + 2])], unpack(ARGV, at + 3, at + 2 + count))
  at = at + 3 + count
end
return 1`;

/** Reads all that the desk goes on from. */
export async function loadDesk(redis: Redis): Promise<SavedDesk> {
  const [fields, alarms, incidents, shelves] = await Promise.all([
    redis.hgetall(redisKeys.deskState),
    redis.hvals(redisKeys.deskAlarms),
    redis.hvals(redisKeys.incidents),
    redis.hgetall(redisKeys.shelves),
  ]);
  const { '@turn': turn, ...cursors } = fields;
  return {
    turn: Number(turn ?? 0),
    cursors: new Map(Object.entries(cursors)),
    state: {
      alarms: alarms.map((json) => JSON.parse(json) as DeskAlarm),
      incidents: incidents.map((json) => JSON.parse(json) as Incident),
      shelves: new Map(Object.entries(shelves).map(([key, json]) => [key, JSON.parse(json) as Shelf])),
    },
  };
}

/**
 * Writes one turn of the desk: what changed, what people are to be told, the answers, and how far the streams were
 * taken; all or nothing, and once.
 * @throws AppError `lease_lost` when another process is the desk by now
 */
export async function saveTurn(
  redis: Redis,
  fence: Fence,
  turn: number,
  changes: DeskChanges,
  cursors: ReadonlyMap<string, string>,
  replies: readonly KeptReply[],
): Promise<void> {
  const commands: Command[] = [
    ...hset(redisKeys.deskState, cursors),
    ...hset(redisKeys.deskAlarms, jsonOf(changes.alarms)),
    ...endedCommands(changes),
    ...incidentCommands(changes),
    ...shelfCommands(changes),
    ...changes.notices.map((notice): Command => [
      'XADD',
      redisKeys.notices,
      '*',
      't',
      JSON.stringify(notice),
    ]),
    ...replies.map(({ action, json }): Command => [
      'SET',
      redisKeys.operatorReply(action),
      json,
      'EX',
      replyTtlS,
    ]),
  ];
  const keys = new Map<string, number>();
  const args: (string | number)[] = [];
  for (const [name, key, ...rest] of commands) {
    // KEYS[1] is the fence's, KEYS[2] the state.
    const index = keys.get(key) ?? keys.size + 3;
    keys.set(key, index);
    args.push(rest.length, name, index, ...rest);
  }
  await runFenced(redis, fence, turnScript, [redisKeys.deskState, ...keys.keys()], [turn, ...args]);
}

function endedCommands({ ended }: DeskChanges): Command[] {
  if (ended.size === 0) return [];
  const order = [...ended.values()].flatMap(({ id, clearedAt, raisedAt }) => [clearedAt ?? raisedAt, id]);
  return [
    ...chunks([...ended.keys()]).map((ids): Command => ['HDEL', redisKeys.deskAlarms, ...ids]),
    ...hset(redisKeys.deskPastAlarms, jsonOf(ended)),
    ...chunks(order).map((some): Command => ['ZADD', redisKeys.deskPastAlarmsOrder, ...some]),
  ];
}

function incidentCommands({ incidents, joined, events }: DeskChanges): Command[] {
  const open = new Map([...incidents].filter(([, { state }]) => state === 'open'));
  const over = new Map([...incidents].filter(([, { state }]) => state !== 'open'));
  const order = [...over.values()].flatMap(({ id, closedAt, openedAt }) => [closedAt ?? openedAt, id]);
  const members = byIncident(joined);
  const stories = byIncident(events);
  return [
    ...hset(redisKeys.incidents, jsonOf(open)),
    ...chunks([...over.keys()]).map((ids): Command => ['HDEL', redisKeys.incidents, ...ids]),
    ...hset(redisKeys.pastIncidents, jsonOf(over)),
    ...chunks(order).map((some): Command => ['ZADD', redisKeys.pastIncidentsOrder, ...some]),
    ...[...members].flatMap(([incident, alarms]) =>
      chunks(alarms.map(({ alarm }) => alarm)).map((ids): Command => [
        'SADD',
        redisKeys.incidentAlarms(incident),
        ...ids,
      ]),
    ),
    ...[...stories].flatMap(([incident, told]) =>
      hset(
        redisKeys.incidentStory(incident),
        new Map(told.map(({ event }) => [event.id, JSON.stringify(event)])),
      ),
    ),
  ];
}

function shelfCommands({ shelves }: DeskChanges): Command[] {
  return [...shelves].map(([key, shelf]) =>
    shelf === undefined
      ? ['HDEL', redisKeys.shelves, key]
      : ['HSET', redisKeys.shelves, key, JSON.stringify(shelf)],
  );
}

/** Forgets what was over long ago, and the oldest of what is too much. @throws AppError `lease_lost` */
export async function forgetPast(redis: Redis, fence: Fence, now: number, keep: Retention): Promise<void> {
  const due = async (order: string, most: number) => {
    const [old, count] = await Promise.all([
      redis.zrangebyscore(order, '-inf', now - keep.ageMs, 'LIMIT', 0, 5000),
      redis.zcard(order),
    ]);
    const excess = count > most ? await redis.zrange(order, 0, String(Math.min(count - most, 5000) - 1)) : [];
    return [...new Set([...old, ...excess])];
  };
  const alarms = await due(redisKeys.deskPastAlarmsOrder, keep.alarms);
  const incidents = await due(redisKeys.pastIncidentsOrder, keep.incidents);
  await forget(redis, fence, redisKeys.deskPastAlarms, redisKeys.deskPastAlarmsOrder, alarms, []);
  const own = incidents.flatMap((id) => [redisKeys.incidentAlarms(id), redisKeys.incidentStory(id)]);
  await forget(redis, fence, redisKeys.pastIncidents, redisKeys.pastIncidentsOrder, incidents, own);
}

/** KEYS[2] records, KEYS[3] their order, then keys that go with them; ARGV[2] on: their ids. */
const forgetScript = `
for i = 2, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('ZREM', KEYS[3], ARGV[i])
end
for i = 4, #KEYS do redis.call('DEL', KEYS[i]) end
return 1`;

async function forget(
  redis: Redis,
  fence: Fence,
  records: string,
  order: string,
  ids: readonly string[],
  own: readonly string[],
): Promise<void> {
  if (ids.length > 0) await runFenced(redis, fence, forgetScript, [records, order, ...own], ids);
}

/** KEYS[1] open incidents, KEYS[2] past ones, KEYS[3] story; ARGV[1] incident, ARGV[2] event id, ARGV[3] event JSON. */
const storyScript = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
return redis.call('HSETNX', KEYS[3], ARGV[2], ARGV[3])`;

/**
 * Adds a step to an incident's story, for whoever does something about it beside the desk; once, by the event's id.
 * Of an incident that is forgotten by now nothing is kept.
 */
export async function addToStory(redis: Redis, incident: string, event: IncidentEvent): Promise<void> {
  const keys = [redisKeys.incidents, redisKeys.pastIncidents, redisKeys.incidentStory(incident)];
  await redis.eval(storyScript, keys.length, ...keys, incident, event.id, JSON.stringify(event));
}

function byIncident<Item extends { readonly incident: string }>(items: readonly Item[]): Map<string, Item[]> {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const known = found.get(item.incident);
    if (known === undefined) found.set(item.incident, [item]);
    else known.push(item);
  }
  return found;
}

function jsonOf(records: ReadonlyMap<string, unknown>): ReadonlyMap<string, string> {
  return new Map([...records].map(([id, record]) => [id, JSON.stringify(record)]));
}

function hset(key: string, fields: ReadonlyMap<string, string>): Command[] {
  return chunks([...fields].flat()).map((some): Command => ['HSET', key, ...some]);
}

function chunks<Item>(items: readonly Item[]): Item[][] {
  const found: Item[][] = [];
  for (let at = 0; at < items.length; at += 2 * fieldsPerCommand)
    found.push(items.slice(at, at + 2 * fieldsPerCommand));
  return found;
}
