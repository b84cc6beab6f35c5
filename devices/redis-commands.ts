import { randomUUID } from 'node:crypto';
import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { readShardCount } from '../runtime/redis-shard-count.js';
import { needsApproval, settledState } from './action.js';
import { checkAction, isActionProblem } from './action-check.js';
import { digestOfDeed } from './approval.js';
import type { AuditEvent } from './audit.js';
import { canonicalJson } from './canonical-json.js';
import { advance, commandIdPattern, createCommand, deadlineOf, isFinished } from './command.js';
import type { Command, CommandEvent } from './command.js';
import { didYouMean } from './did-you-mean.js';
import { auditArguments, auditKeys } from './redis-audit.js';
import { auditLua } from './redis-audit-script.js';
import { findCommand, unknownCommand } from './redis-command-list.js';
import type { Device } from './device.js';
import { readPresence } from './redis-presence.js';
import { findDevice, readRemovals } from './redis-registry.js';
import { stoppedError } from './redis-stop-all.js';
import type { Stop } from './redis-stop-all.js';
import type { Rollout } from './rollout.js';
import { shardOf } from './site.js';
import { formatStateKey } from './state-key.js';
import type { DesiredValue } from './twin.js';

/** What somebody wants a device to do. */
export interface WantedCommand extends Pick<Command, 'reason' | 'incident' | 'diagnosis'> {
  /** The same id again is the same command; without one it is a new command each time. */
  readonly id?: string | undefined;
  readonly device: string;
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly issuedBy: string;
  /** No person wants it: more actions need an approval. */
  readonly isAutomatic?: boolean | undefined;
  /** Pipeline time, epoch ms. */
  readonly expiresAt: number;
  /** The approval of exactly this, where it needs one; it is used with it. */
  readonly approval?: string | undefined;
  /** The group command that it is a part of, which decides about the approval. */
  readonly rollout?: Rollout | undefined;
  /** Issued only while this many were ever issued: whoever decided by what is under way has not been overtaken. */
  readonly issuedBefore?: number | undefined;
}

/** More open commands of one device than this are a mistake, and would keep it busy for long. */
const mostOpen = 20;
const dayMs = 86_400_000;

/**
 * KEYS[1] records, KEYS[2] open, KEYS[3] due of the shard, KEYS[4] audit head, KEYS[5] audit, KEYS[6] desired of the
 * device, KEYS[7] stop, KEYS[8] count, KEYS[9] lately, KEYS[10] approvals, KEYS[11] rollouts, KEYS[12] progress of the
 * rollout; ARGV[1] plan (JSON), ARGV[2] command JSON, ARGV[3] audit text, ARGV[4] its digest, ARGV[5] desired JSON.
 * Returns what became of it, and the JSON of the command that has the id now or what it failed by. Atomic: a command is
 * recorded, indexed, counted, audited and announced and its approval used, or nothing happened; the announcement
 * reaches who listens now.
 */
const issueScript = `${auditLua}
local plan = cjson.decode(ARGV[1])
local known = redis.call('HGET', KEYS[1], plan.id)
if known then return {'known', known} end
local stop = redis.call('GET', KEYS[7])
if stop then return {'stopped', stop} end
local count = tonumber(redis.call('GET', KEYS[8]) or '0')
if plan.count and plan.count ~= count then return {'overtaken', ''} end
if plan.rollout then
  local rollout = redis.call('HGET', KEYS[11], plan.rollout)
  local state = rollout and cjson.decode(rollout)['state'] or 'gone'
  if state ~= 'running' then return {'rollout', state} end
  if redis.call('HEXISTS', KEYS[12], plan.device) == 1 then return {'rollout', 'forgotten'} end
end
local used
if plan.approval then
  local json = redis.call('HGET', KEYS[10], plan.approval)
  if not json then return {'unapproved', 'unknown'} end
  local approval = cjson.decode(json)
  local again = approval.state == 'used' and approval.usedBy == plan.user
  if approval.digest ~= plan.digest then return {'unapproved', 'other'} end
  if not again and approval.state ~= 'approved' then return {'unapproved', approval.state} end
  if not again and plan.now >= approval.expiresAt then return {'unapproved', 'expired'} end
  if not again then
    -- Its text is kept as it is: a JSON of Lua's own would turn empty lists into objects.
    used = string.gsub(json, '"state":"approved"', '"state":"used","usedBy":"' .. plan.user .. '"', 1)
  end
end
local ids = cjson.decode(redis.call('HGET', KEYS[2], plan.device) or '[]')
if #ids >= plan.mostOpen then return {'full', ''} end
ids[#ids + 1] = plan.id
redis.call('HSET', KEYS[1], plan.id, ARGV[2])
redis.call('HSET', KEYS[2], plan.device, cjson.encode(ids))
redis.call('ZADD', KEYS[3], plan.deadline, plan.id)
redis.call('SET', KEYS[8], count + 1)
if used then redis.call('HSET', KEYS[10], plan.approval, used) end
if plan.rollout then redis.call('HSET', KEYS[12], plan.device, '') end
if plan.counts then
  local lately = {}
  for _, at in ipairs(cjson.decode(redis.call('HGET', KEYS[9], plan.device) or '[]')) do
    if at > plan.dayAgo then lately[#lately + 1] = at end
  end
  lately[#lately + 1] = plan.now
  redis.call('HSET', KEYS[9], plan.device, cjson.encode(lately))
end
audit(KEYS[4], KEYS[5], ARGV[3], ARGV[4])
if plan.stateKey then redis.call('HSET', KEYS[6], plan.stateKey, ARGV[5]) end
redis.call('PUBLISH', plan.channel, plan.device)
return {'issued', ARGV[2]}`;

/**
 * Issues a command: from now on the broker that has the device delivers it, as soon as the device is there and
 * until it expires. `repeated`: a command with this id was issued before and is what counts. Whether it may be sent at
 * this time is for `orderCommand` (alerts/control) to say; what can't be set aside is asked here.
 * @throws AppError `unknown_device`, `unknown_action`, `denied_action`, `wrong_argument`, `bad_id`,
 * `already_expired`, `command_id_taken`, `too_many_commands`, `no_log`, `behind_bridge`, `needs_approval`,
 * `not_approved`, `stopped`, `overtaken`, `rollout_not_running`
 */
export async function issueCommand(
  redis: Redis,
  wanted: WantedCommand,
  now: number,
): Promise<{ readonly command: Command; readonly repeated: boolean }> {
  const { id = randomUUID(), issuedBy, expiresAt, reason, incident, diagnosis, rollout } = wanted;
  if (!commandIdPattern.test(id)) {
    throw new AppError(
      'bad_id',
      `"${id}" is no command id: use up to 128 letters, digits, ".", "_", "~", ":" or "-".`,
    );
  }
  // Before the device: of one that is removed meanwhile it is too old, never too new.
  const [removals = 0] = await readRemovals(redis, [wanted.device]);
  const device = await findDevice(redis, wanted.device);
  if (device === undefined) throw await unknownDevice(redis, wanted.device);
  const checked = checkAction(device.deviceClass, wanted.action, wanted.args);
  if (isActionProblem(checked)) throw new AppError(checked.code, checked.message);
  const shards = await readShardCount(redis);
  if (shards === 0) {
    throw new AppError('no_log', 'No pipeline was ever started on this Redis: start one with "campus up".');
  }
  const approval = rollout === undefined ? wanted.approval : rollout.approval;
  const command = createCommand({
    id,
    device: device.id,
    site: device.site,
    deviceClass: device.deviceClass,
    removals,
    shard: shardOf(device.site, shards),
    action: wanted.action,
    args: checked.args,
    issuedBy,
    reason,
    incident,
    diagnosis,
    rollout: rollout?.id,
    approval,
    issuedAt: now,
    expiresAt,
  });
  const known = wanted.id === undefined ? undefined : await findCommand(redis, id);
  if (known !== undefined) return { command: sameCommand(known, command), repeated: true };
  if (expiresAt <= now) {
    throw new AppError(
      'already_expired',
      `Command ${id} is expired before it is issued: give it a later expiry.`,
    );
  }
  const target = { device: device.id, removals };
  if (rollout !== undefined) assertPartOf(rollout, command, target);
  if (approval === undefined && needsApproval(checked.action, wanted.isAutomatic === true))
    throw new AppError(
      'needs_approval',
      `${wanted.action} needs the approval of ${checked.action.approval === 'person' ? 'a' : 'a second'} person.`,
    );
  await assertReachable(redis, device);
  const state = settledState(checked.action, checked.args);
  const desired: DesiredValue | undefined = state && {
    value: state.value,
    at: now,
    by: issuedBy,
    command: id,
  };
  const deed = { action: command.action, args: command.args, targets: rollout?.targets ?? [target] };
  const plan = {
    id,
    device: device.id,
    deadline: expiresAt,
    now,
    dayAgo: now - dayMs,
    counts: checked.action.harmless !== true,
    count: wanted.issuedBefore,
    mostOpen,
    channel: redisKeys.commandsIssued,
    stateKey: state && formatStateKey(state.path),
    rollout: rollout?.id,
    approval,
    digest: approval === undefined ? undefined : digestOfDeed(deed),
    user: rollout === undefined ? `command:${id}` : `rollout:${rollout.id}`,
  };
  const keys = [
    redisKeys.commands,
    redisKeys.commandsOpen,
    redisKeys.commandsDue(command.shard),
    ...auditKeys,
    redisKeys.desired(device.id),
    redisKeys.commandsStopped,
    redisKeys.commandsCount,
    redisKeys.commandsLately,
    redisKeys.approvals,
    redisKeys.rollouts,
    redisKeys.rolloutProgress(rollout?.id ?? ''),
  ];
  const [outcome, text] = (await redis.eval(
    issueScript,
    keys.length,
    ...keys,
    JSON.stringify(plan),
    JSON.stringify(command),
    ...auditArguments([auditOf(command, { kind: 'issued' })]),
    JSON.stringify(desired ?? null),
  )) as [outcome: string, text: string];
  if (outcome !== 'issued' && outcome !== 'known') throw notIssued(command, outcome, text);
  return { command: sameCommand(JSON.parse(text) as Command, command), repeated: outcome === 'known' };
}

/** How many commands were ever issued, for `issuedBefore`. */
export async function countIssued(redis: Redis): Promise<number> {
  return Number((await redis.get(redisKeys.commandsCount)) ?? 0);
}

/** What a rollout sends is what it was created, and approved, with. */
function assertPartOf(
  { id, action, args, targets }: Rollout,
  command: Command,
  target: { readonly device: string; readonly removals: number },
): void {
  const isTarget = targets.some(
    ({ device, removals }) => device === target.device && removals === target.removals,
  );
  if (isTarget && command.action === action && canonicalJson(command.args) === canonicalJson(args)) return;
  throw new AppError(
    'not_a_target',
    `Device "${target.device}" is not what rollout ${id} was created for: it was removed or moved since.`,
  );
}

function notIssued({ id, device, approval = '' }: Command, outcome: string, text: string): AppError {
  switch (outcome) {
    case 'stopped':
      return stoppedError(JSON.parse(text) as Stop);
    case 'overtaken':
      return new AppError('overtaken', `Another command was issued meanwhile; ask again.`, {
        retryable: true,
      });
    case 'rollout':
      return new AppError('rollout_not_running', `Command ${id} is not issued: its rollout is ${text}.`);
    case 'unapproved': {
      const why =
        text === 'other' ? 'is for something else: another device, action or argument' : `is ${text}`;
      return new AppError('not_approved', `Command ${id} is not issued: approval ${approval} ${why}.`);
    }
    default:
      return new AppError(
        'too_many_commands',
        `Device "${device}" has ${mostOpen} open commands already: wait, or cancel some.`,
        { retryable: true },
      );
  }
}

/** A bridge takes messages from somebody else's broker and brings none there: a command would expire unsent. */
async function assertReachable(redis: Redis, device: Device): Promise<void> {
  const { presence, contact } = await readPresence(redis, device);
  if (presence.through?.kind !== 'bridge' || contact?.connected === true) return;
  throw new AppError(
    'behind_bridge',
    `Device "${device.id}" is heard through the bridge "${presence.through.name}", which does not carry commands: send it from the system that the bridge reads from.`,
  );
}

/**
 * KEYS[1] records, KEYS[2] open, KEYS[3] due of the shard, KEYS[4] audit head, KEYS[5] audit, KEYS[6] finished,
 * KEYS[7] desired of the device, KEYS[8] stop; ARGV[1] id, ARGV[2] JSON before, ARGV[3] JSON after, ARGV[4] device, ARGV[5] deadline
 * or '' when it is finished, ARGV[6] when it finished, ARGV[7] audit text, ARGV[8] its digest, ARGV[9] '1' takes its
 * desired state back, ARGV[10] '1' is not done while all is stopped: then it returns 2.
 * Returns 1, or 0 when the record is not what it was before. Atomic: the one way a command changes.
 */
const changeScript = `${auditLua}
if ARGV[10] == '1' and redis.call('EXISTS', KEYS[8]) == 1 then return 2 end
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
audit(KEYS[4], KEYS[5], ARGV[7], ARGV[8])
if ARGV[5] ~= '' then
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
  return 1
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[6], ARGV[6], ARGV[1])
local left = {}
for _, id in ipairs(cjson.decode(redis.call('HGET', KEYS[2], ARGV[4]) or '[]')) do
  if id ~= ARGV[1] then left[#left + 1] = id end
end
if #left == 0 then redis.call('HDEL', KEYS[2], ARGV[4])
else redis.call('HSET', KEYS[2], ARGV[4], cjson.encode(left)) end
if ARGV[9] == '1' then
  local wanted = redis.call('HGETALL', KEYS[7])
  for i = 1, #wanted, 2 do
    if cjson.decode(wanted[i + 1])['command'] == ARGV[1] then redis.call('HDEL', KEYS[7], wanted[i]) end
  end
end
return 1`;

/**
 * Tells a command what happened. `changed` is false where that changed nothing, which is so whenever it is told
 * again; undefined when there is no such command (any more).
 */
export async function changeCommand(
  redis: Redis,
  id: string,
  event: CommandEvent,
): Promise<{ readonly command: Command; readonly changed: boolean } | undefined> {
  for (;;) {
    const before = await redis.hget(redisKeys.commands, id);
    if (before === null) return undefined;
    const command = JSON.parse(before) as Command;
    const next = advance(command, event);
    if (next === command) return { command, changed: false };
    const changed = await redis.eval(
      changeScript,
      8,
      redisKeys.commands,
      redisKeys.commandsOpen,
      redisKeys.commandsDue(next.shard),
      ...auditKeys,
      redisKeys.commandsFinished,
      redisKeys.desired(next.device),
      redisKeys.commandsStopped,
      id,
      before,
      JSON.stringify(next),
      next.device,
      isFinished(next) ? '' : (deadlineOf(next) ?? ''),
      next.finishedAt ?? '',
      ...auditArguments([auditOf(next, event)]),
      event.kind === 'cancelled' || event.kind === 'gone' ? '1' : '0',
      event.kind === 'sent' ? '1' : '0',
    );
    if (changed === 2) return { command, changed: false };
    if (changed === 1) return { command: next, changed: true };
    // Somebody else was faster: what happened is told to the command as it is now.
  }
}

/**
 * Withdraws a command. What the device has already may still be acted on; the history says so.
 * @throws AppError `unknown_command`, `not_cancellable`
 */
export async function cancelCommand(redis: Redis, id: string, by: string, now: number): Promise<Command> {
  const outcome = await changeCommand(redis, id, { kind: 'cancelled', at: now, by });
  if (outcome === undefined) throw unknownCommand(id);
  if (!outcome.changed) {
    throw new AppError(
      'not_cancellable',
      `Command ${id} is ${outcome.command.state}: it can't be cancelled any more.`,
    );
  }
  return outcome.command;
}

/** Finished commands that are kept. */
export interface CommandRetention {
  /** Those that finished before are removed; pipeline time, epoch ms. */
  readonly finishedBefore: number;
  /** Of the others, the newest so many stay. */
  readonly most: number;
}

/**
 * KEYS[1] finished, KEYS[2] records; ARGV[1] finished before, ARGV[2] most, ARGV[3] most at once. Returns how many
 * were removed.
 */
const forgetScript = `
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[3])
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[2])
if #gone < over then gone = redis.call('ZRANGE', KEYS[1], 0, math.min(over, tonumber(ARGV[3])) - 1) end
for _, id in ipairs(gone) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
return #gone`;

/** Removes a part of what is no longer to be kept; to be called now and then. @returns how many */
export async function forgetFinished(redis: Redis, retention: CommandRetention): Promise<number> {
  const keys = [redisKeys.commandsFinished, redisKeys.commands];
  const { finishedBefore, most } = retention;
  return (await redis.eval(forgetScript, 2, ...keys, finishedBefore, most, 1000)) as number;
}

/** The error that names what was probably meant. */
export async function unknownDevice(redis: Redis, id: string): Promise<AppError> {
  const meant = didYouMean(id, await redis.hkeys(redisKeys.devices));
  return new AppError('unknown_device', `No device "${id}" is registered.${meant}`);
}

function sameCommand(known: Command, wanted: Command): Command {
  const identity = ({ device, action, args }: Command) =>
    JSON.stringify([device, action, Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  if (identity(known) === identity(wanted)) return known;
  throw new AppError(
    'command_id_taken',
    `Command ${known.id} is known already and is another one (${known.action} for "${known.device}").`,
  );
}

function auditOf(command: Command, event: { readonly kind: 'issued' } | CommandEvent): AuditEvent {
  const { id, device, action, args, state, attempts, expiresAt } = command;
  const about = { what: `command.${event.kind}`, id, device, after: { state } } as const;
  if (event.kind === 'sent') return { ...about, at: event.at, by: event.by, why: `attempt ${attempts}` };
  if (event.kind === 'withheld') {
    const why = `attempt ${attempts + 1} was not sent: no room, or the connection was gone`;
    return { ...about, at: event.at, by: event.by, why };
  }
  const last = command.history.at(-1);
  return {
    ...about,
    at: last?.at ?? command.issuedAt,
    by: last?.by ?? command.issuedBy,
    after: event.kind === 'issued' ? { state, action, args, expiresAt, ...because(command) } : { state },
    why: last?.why,
  };
}

function because({ reason, incident, diagnosis, rollout, approval }: Command) {
  return { reason, incident, diagnosis, rollout, approval };
}
