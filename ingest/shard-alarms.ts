import type { Transition } from '../rules/alarm.js';
import type { AbandonedAlarm, ActiveAlarm } from '../rules/engine/active-alarms.js';
import { unassigned } from '../devices/site.js';
import type { DeviceTopic } from '../devices/topic.js';
import type { Clock } from '../runtime/clock.js';
import type { Redis } from '../runtime/redis-connection.js';
import { endAlarm } from './alarm-record.js';
import type { AlarmPlace } from './alarm-record.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { compareIds } from './log/log.js';
import type { ShardFence } from './log/log.js';
import { commitTransition, findActiveAlarm, forgetCleared, listActiveAlarms } from './redis-alarm-records.js';
import type { Register } from './redis-register.js';
import { listModeDecisions } from './rules/redis-rule-modes.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';

export interface ShardAlarmsParts {
  readonly redis: Redis;
  readonly lease: ShardFence;
  readonly tags: DeviceTagBook;
  readonly metrics: IngestMetrics;
  readonly clock: Clock;
  readonly register: Register;
}

/** Records the alarms of one shard, and remembers up to which entry of the log they are recorded. */
export class ShardAlarms {
  readonly #parts: ShardAlarmsParts;
  /** The last entry that alarms were recorded of. */
  #committed: string;
  /** More may be remembered than have to be. */
  #hasGrown = true;

  constructor(parts: ShardAlarmsParts, committed: string) {
    this.#parts = parts;
    this.#committed = committed;
  }

  /** Whether alarms were recorded, before a crash, of entries behind this one. */
  isAheadOf(cursor: string): boolean {
    return compareIds(cursor, this.#committed) < 0;
  }

  /** Records what an entry of the log brought about. */
  async record(transitions: readonly Transition[], entry: string): Promise<void> {
    const { redis, lease, tags, metrics } = this.#parts;
    const topics = transitions.map(topicOf);
    await tags.ensure(topics.filter((topic) => topic !== undefined));
    for (const [i, transition] of transitions.entries()) {
      const topic = topics[i];
      const place = topic === undefined ? this.#placeOfGroup(transition) : tags.get(topic);
      await commitTransition(redis, lease, transition, place, this.#lastOf(entry));
      const { kind, severity, shadow = false } = transition;
      metrics.transitions.inc({ kind, severity, shadow: String(shadow) });
    }
  }

  /** Ends alarms that nobody watches any more: they would stay active for ever. */
  async end(abandoned: readonly AbandonedAlarm[], entry: string): Promise<void> {
    const isDecided = abandoned.some(({ reason }) => reason === 'rule_off' || reason === 'rule_shadow');
    const decisions = isDecided ? await listModeDecisions(this.#parts.redis) : undefined;
    for (const each of abandoned) await this.#end(each, entry, decisions);
  }

  /** Ends all that are recorded as active but those that somebody still watches. */
  async endAllBut(watched: Iterable<ActiveAlarm>, entry: string): Promise<void> {
    const { redis, lease } = this.#parts;
    const known = { on: new Set<string>(), shadow: new Set<string>() };
    for (const { alarm, shadow } of watched) known[shadow ? 'shadow' : 'on'].add(alarm);
    for (const shadow of [false, true]) {
      const active = await listActiveAlarms(redis, lease.shard, shadow);
      const lost = active.filter((id) => !known[shadow ? 'shadow' : 'on'].has(id));
      for (const alarm of lost) await this.#end({ alarm, shadow, reason: 'not_confirmed' }, entry);
    }
  }

  /** To be called after each checkpoint: nothing that is behind its cursor is recorded again. */
  async checkpointed(): Promise<void> {
    if (!this.#hasGrown) return;
    await forgetCleared(this.#parts.redis, this.#parts.lease);
    this.#hasGrown = false;
  }

  async #end(
    { alarm: id, reason, shadow }: AbandonedAlarm,
    entry: string,
    decisions?: Awaited<ReturnType<typeof listModeDecisions>>,
  ): Promise<void> {
    const { redis, lease, clock } = this.#parts;
    const alarm = await findActiveAlarm(redis, lease.shard, id, shadow);
    if (alarm === undefined) return;
    const decision = decisions?.get(alarm.rule);
    const by = reason === `rule_${decision?.mode}` ? decision?.by : undefined;
    const ending = endAlarm(alarm, reason, clock.now(), by);
    await commitTransition(redis, lease, ending, alarm, this.#lastOf(entry));
  }

  #lastOf(entry: string): string {
    this.#hasGrown = true;
    if (compareIds(entry, this.#committed) > 0) this.#committed = entry;
    return this.#committed;
  }

  #placeOfGroup({ site, group }: Transition): AlarmPlace {
    if (group?.kind === 'district') return { district: group.id, room: unassigned };
    const district = this.#parts.register.site(site)?.district ?? unassigned;
    return { district, room: group?.kind === 'room' ? group.id : unassigned };
  }
}

/** The device that the transition is about, as its readings name it; undefined for a group. */
function topicOf({ site, deviceClass, device }: Transition): DeviceTopic | undefined {
  return device === undefined ? undefined : { site, deviceClass, device, stream: 'telemetry' };
}
