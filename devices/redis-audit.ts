import type { ChainableCommander } from 'ioredis';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { canonicalJson } from './canonical-json.js';
import { chainStart, writeEvent } from './audit.js';
import type { AuditArea, AuditEvent, AuditRecord, ChainLink } from './audit.js';
import { auditLua } from './redis-audit-script.js';

const pageSize = 1000;

/** The keys that `audit` of `auditLua` takes, in its order. */
export const auditKeys = [redisKeys.auditHead, redisKeys.audit] as const;

/** KEYS[1] head, KEYS[2] log; ARGV: text and digest of each event. Atomic. */
const appendScript = `${auditLua}
for i = 1, #ARGV, 2 do audit(KEYS[1], KEYS[2], ARGV[i], ARGV[i + 1]) end`;

/** Text and digest of each event, as the scripts take them. */
export function auditArguments(events: readonly AuditEvent[]): string[] {
  return events.flatMap((event) => {
    const { body, digest } = writeEvent(event);
    return [body, digest];
  });
}

/** Puts events on record that go with no other change. */
export async function appendAudit(redis: Redis, events: readonly AuditEvent[]): Promise<void> {
  if (events.length > 0) await redis.eval(appendScript, 2, ...auditKeys, ...auditArguments(events));
}

/** Puts events on record together with the other commands of a transaction. */
export function queueAudit(multi: ChainableCommander, events: readonly AuditEvent[]): ChainableCommander {
  return events.length === 0 ? multi : multi.eval(appendScript, 2, ...auditKeys, ...auditArguments(events));
}

/** Which records are wanted; all that is left out lets everything through. */
export interface AuditFilter {
  readonly areas?: readonly AuditArea[] | undefined;
  readonly device?: string | undefined;
  readonly id?: string | undefined;
  readonly by?: string | undefined;
  /** Of the time of the event, epoch ms; `to` is not part of it. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The newest records first, at most `count`. */
export async function listAudit(
  redis: Redis,
  filter: AuditFilter & { readonly count: number },
): Promise<AuditRecord[]> {
  const found: AuditRecord[] = [];
  for (let to = '+'; found.length < filter.count;) {
    const rows = await redis.xrevrange(redisKeys.audit, to, '-', 'COUNT', pageSize);
    for (const record of rows.map(parseRow)) if (isWanted(record, filter)) found.push(record);
    const last = rows.at(-1);
    if (rows.length < pageSize || last === undefined) break;
    to = `(${last[0]}`;
  }
  return found.slice(0, filter.count);
}

/** All records in order, page by page, as they are kept. */
export async function* readChain(redis: Redis): AsyncGenerator<AuditRecord> {
  for (let from = '-'; ;) {
    const rows = await redis.xrange(redisKeys.audit, from, '+', 'COUNT', pageSize);
    yield* rows.map(parseRow);
    const last = rows.at(-1);
    if (rows.length < pageSize || last === undefined) return;
    from = `(${last[0]}`;
  }
}

/** Where the chain begins (what its first record follows) and where it ends, as its writers noted it. */
export async function readChainEnds(
  redis: Redis,
): Promise<{ readonly base: ChainLink; readonly head: ChainLink }> {
  const [seq, hash, baseSeq, baseHash] = await redis.hmget(
    redisKeys.auditHead,
    'seq',
    'hash',
    'base_seq',
    'base_hash',
  );
  return {
    base: toLink(baseSeq, baseHash),
    head: toLink(seq, hash),
  };
}

/**
 * KEYS[1] head, KEYS[2] log; ARGV[1] events before this go, ARGV[2] most at once. Returns how many were removed. The
 * last of them is noted as what the chain begins with. One that has to stay keeps all behind it.
 */
const trimScript = `
local rows = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[2])
local gone, last, hash = 0, nil, nil
for _, row in ipairs(rows) do
  local at, h
  for i = 1, #row[2], 2 do
    if row[2][i] == 'e' then
      local readable, event = pcall(cjson.decode, row[2][i + 1])
      at = readable and type(event) == 'table' and tonumber(event['at'])
    end
    if row[2][i] == 'h' then h = row[2][i + 1] end
  end
  if not at or at >= tonumber(ARGV[1]) then break end
  gone, last, hash = gone + 1, row[1], h
end
if gone == 0 then return 0 end
local seq = tonumber(string.match(last, '^(%d+)-'))
redis.call('HSET', KEYS[1], 'base_seq', seq, 'base_hash', hash)
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%d-0', seq + 1))
return gone`;

/** Removes records of events before a time, epoch ms; the chain stays verifiable. @returns how many */
export async function trimAudit(redis: Redis, before: number): Promise<number> {
  let gone = 0;
  for (;;) {
    const now = (await redis.eval(trimScript, 2, ...auditKeys, before, pageSize)) as number;
    gone += now;
    if (now < pageSize) return gone;
  }
}

/** What somebody decided about rules or announced as maintenance. */
export interface AuditedDecision {
  /** Pipeline time, epoch ms. */
  readonly at: number;
  readonly by: string;
  /** The rule or the maintenance window. */
  readonly id: string;
  /** The mode, or what was done with the window. */
  readonly to: string;
}

/** The newest decisions about rules first, at most `count`. */
export async function listRuleDecisions(redis: Redis, count: number): Promise<AuditedDecision[]> {
  const records = await listAudit(redis, { areas: ['rule'], count });
  return records.map(({ at, by, id, after }) => ({ at, by, id, to: String(after) }));
}

function isWanted(record: AuditRecord, filter: AuditFilter): boolean {
  const { areas, device, id, by, from = -Infinity, to = Infinity } = filter;
  if (areas !== undefined && !areas.some((area) => record.what.startsWith(`${area}.`))) return false;
  if (device !== undefined && record.device !== device) return false;
  if (id !== undefined && record.id !== id) return false;
  if (by !== undefined && record.by !== by) return false;
  return from <= record.at && record.at < to;
}

/** What somebody may have tampered with is read as it stands: that it is wrong is for the check to say. */
function parseRow([id, fields]: readonly [id: string, fields: string[]]): AuditRecord {
  const value = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  return { ...parseBody(value('e')), seq: Number(id.split('-')[0]), prev: value('p'), hash: value('h') };
}

function parseBody(body: string): AuditEvent {
  try {
    const event = JSON.parse(body) as AuditEvent;
    if (canonicalJson(event) === body) return event;
  } catch {
    // Told below.
  }
  return { at: 0, by: '?', what: 'registry.unreadable', id: '?', why: body.slice(0, 200) };
}

function toLink(seq: string | null | undefined, hash: string | null | undefined): ChainLink {
  return typeof seq === 'string' && typeof hash === 'string' ? { seq: Number(seq), hash } : chainStart;
}
