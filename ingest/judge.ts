import type { DeviceRef } from '../rules/device-ref.js';
import type { Engine } from '../rules/engine/engine.js';
import type { Transition } from '../rules/alarm.js';
import type { CompiledRule } from '../rules/rule.js';
import type { Tally } from '../rules/tally.js';
import type { KeptPresence, PresenceState, PresenceVerdict } from '../devices/presence.js';
import { shardOf, unassigned } from '../devices/site.js';
import type { DeviceTopic } from '../devices/topic.js';
import type { Clock } from '../runtime/clock.js';
import type { Redis } from '../runtime/redis-connection.js';
import { endAlarm } from './alarm-record.js';
import type { AlarmPlace } from './alarm-record.js';
import type { Attendee } from './attendee.js';
import { isBridge, parseBridge } from './log/bridge-name.js';
import { compareIds, entryTime } from './log/log.js';
import type { ShardFence } from './log/log.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { JudgedDevice } from './judged-device.js';
import type { LogRecord, MessageRecord, PresenceRecord } from './log/frame.js';
import {
  commitTransition,
  findActiveAlarm,
  loadJudgeState,
  saveJudgeState,
} from './redis-judge-checkpoint.js';
import type { JudgeState } from './redis-judge-checkpoint.js';
import type { Register, RegisteredDevice } from './redis-register.js';
import { RollCall } from './roll-call.js';
import type { RollCallParts } from './roll-call.js';
import { listModeDecisions } from './rules/redis-rule-modes.js';
import type { RuleSet } from './rules/rule-set.js';
import type { RuleSets } from './rules/rule-source.js';
import type { WindowReader } from './shard-window.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import type { Decoded } from './stages/decoded.js';
import type { StopSignals } from './stop-signals.js';

const checkpointMs = 1000;
const waitMs = 250;
/** The shard whose judge looks at what reaches over several of them, such as districts. */
const cityShard = 0;
/** When a device was last seen is written this much later at most, pipeline ms; a change of state at once. */
const shownLateMs = 15_000;

/** How long whom is waited for: see `RollCallParts`. */
export type PresenceTimes = Pick<RollCallParts, 'door' | 'bridgeIntervalS'>;

export interface JudgeParts {
  readonly redis: Redis;
  /** The right to change the shard, and which one it is. */
  readonly lease: ShardFence;
  readonly window: WindowReader;
  readonly tags: DeviceTagBook;
  readonly metrics: IngestMetrics;
  readonly createEngine: (rules: readonly CompiledRule[]) => Engine;
  readonly ruleSets: RuleSets;
  readonly clock: Clock;
  readonly register: Register;
  readonly presenceTimes: PresenceTimes;
  /** Shards of the log. */
  readonly shards: number;
  /** Puts a record into the log; resolves when it is on disk. */
  readonly append: (shard: number, record: LogRecord) => Promise<void>;
  /** Told after every checkpoint up to where the judge no longer needs the log. */
  readonly onCheckpoint: (cursor: string) => Promise<void>;
}

/**
 * Follows one shard of the log with the rules engine and the roll call, whose verdicts are the rules' to know. A
 * transition is committed (alarm state and outbox together) as soon as it is found; the engine's state is checkpointed
 * with its cursor. After a crash the log since the checkpoint is judged again, with the same transitions under the same
 * ids; also when the rules were changed meanwhile: the checkpoint names those that the log behind it was judged by.
 */
export class ShardJudge {
  readonly #parts: JudgeParts;
  readonly #engine: Engine;
  readonly #rollCall: RollCall;
  readonly #devices: Map<string, JudgedDevice>;
  readonly #bridges: JudgeState['bridges'];
  #changed = new Map<string, JudgedDevice>();
  /** Whom to forget with the next checkpoint; who has come back since is in it anew. */
  readonly #removed = new Set<string>();
  /** What was last written of whom. */
  readonly #shown = new Map<string, KeptPresence>();
  #cursor: string;
  /** Cursor and set of rules of the last checkpoint. */
  #saved: { readonly cursor: string; readonly ruleSet: string | undefined };
  #rules: RuleSet;
  /** The last entry that alarms were recorded of. */
  #committed: string;
  #checkpointAt = performance.now();
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  private constructor(parts: JudgeParts, state: JudgeState, rules: RuleSet) {
    this.#parts = parts;
    this.#cursor = state.cursor;
    this.#saved = state;
    this.#rules = rules;
    this.#committed = state.committed;
    this.#devices = state.devices;
    this.#bridges = state.bridges;
    this.#engine = parts.createEngine(rules.rules);
    this.#rollCall = new RollCall(
      {
        devices: state.devices,
        bridges: state.bridges,
        register: parts.register,
        ...parts.presenceTimes,
        onVerdict: (device, verdict, at) => this.#onVerdict(device, verdict, at),
      },
      state.openedAt,
    );
    for (const [key, json] of state.engine) this.#engine.restore(key, json);
    this.#followRegister();
  }

  static async load(parts: JudgeParts): Promise<ShardJudge> {
    const { redis, lease, ruleSets } = parts;
    const state = await loadJudgeState(redis, lease.shard);
    const known = state.ruleSet === undefined ? undefined : await ruleSets.find(state.ruleSet);
    return new ShardJudge(parts, state, known ?? ruleSets.current);
  }

  /** Until told to stop: with `drain`, at the end of the log; with `abort`, at once. */
  async run(signals: StopSignals): Promise<void> {
    await this.#endAbandoned();
    if (this.#saved.ruleSet !== this.#rules.id) await this.#nameRules(this.#rules);
    let known = -1;
    while (!signals.abort.aborted) {
      // Before anything more is judged: an id that was removed and registered again is a new device.
      if (known !== this.#parts.register.changes) {
        known = this.#parts.register.changes;
        await this.#forgetRemoved();
      }
      await this.#followRules();
      const entries = await this.#parts.window.after(this.#cursor, waitMs, signals.drain);
      if (entries.length === 0 && signals.drain.aborted) break;
      this.waitingSince = entries[0] === undefined ? undefined : entryTime(entries[0].id);
      for (const entry of entries) {
        const transitions = entry.decoded.flatMap((decoded) => this.#judge(decoded));
        this.#cursor = entry.id;
        if (transitions.length > 0) await this.#commit(transitions);
        await this.#endAbandoned();
        await this.#tellTally();
      }
      if (performance.now() - this.#checkpointAt >= checkpointMs) await this.#checkpoint();
    }
    if (!signals.abort.aborted) await this.#checkpoint();
  }

  /** Devices by their presence, all that are registered in this shard. */
  countPresences(count: (state: PresenceState) => void): void {
    for (const { id, site } of this.#parts.register.all()) {
      if (shardOf(site, this.#parts.shards) === this.#parts.lease.shard)
        count(this.#devices.get(id)?.attendee.state ?? 'unknown');
    }
  }

  /**
   * Goes on with the newest rules. What was recorded before a crash is first judged again by the rules that it was
   * recorded by: other rules might not find it, and nobody would ever clear it.
   */
  async #followRules(): Promise<void> {
    const next = this.#parts.ruleSets.current;
    if (next.id === this.#rules.id || compareIds(this.#cursor, this.#committed) < 0) return;
    await this.#nameRules(next);
    this.#rules = next;
    this.#engine.replaceRules(next.rules);
    await this.#endAbandoned();
  }

  /** Checkpoints that entries behind the cursor are judged by these rules. */
  async #nameRules(rules: RuleSet): Promise<void> {
    await this.#parts.ruleSets.keep(rules);
    await this.#checkpoint(rules);
  }

  #judge(decoded: Decoded): readonly Transition[] {
    switch (decoded.kind) {
      case 'tick':
        // Presence first: whose silence is not its own fault must be known before silence is judged.
        this.#followRegister();
        this.#rollCall.tick(decoded.arrivedAt);
        return this.#engine.tick(decoded.arrivedAt);
      case 'opened':
        this.#rollCall.opened(decoded.arrivedAt);
        this.#engine.opened(decoded.arrivedAt);
        return [];
      case 'presence':
        this.#takePresence(decoded);
        return [];
      case 'tally':
        return this.#engine.tally(decoded.shard, decoded.shards, JSON.parse(decoded.tally) as Tally);
      case 'nothing':
        return [];
      case 'reading': {
        const { message } = decoded.source;
        const device = this.#deviceOf(decoded.topic.device);
        const isNew = device.seen.see(decoded.reading) === 'new';
        if (!isNew || decoded.late) return this.#heard(device.ref(decoded.topic), message);
        this.#parts.metrics.evaluated++;
        this.#isThere(decoded.topic.device, message);
        return this.#engine.reading(device.ref(decoded.topic), decoded.reading, message.arrivedAt);
      }
      case 'notice': {
        const { notice, topic, source, late } = decoded;
        // What says that a device is gone (the broker publishes it as the Will) is no sign of life.
        const device = this.#deviceOf(topic.device);
        if (notice.stream === 'state' && notice.body['s'] === 'offline') {
          const { arrivedAt, replayed } = source.message;
          if (replayed !== true) this.#rollCall.saidOffline(topic.device, arrivedAt);
          return [];
        }
        const asleep = notice.stream === 'state' && notice.body['s'] === 'sleeping';
        const interval = notice.stream === 'meta' ? notice.body['interval_s'] : undefined;
        if (typeof interval === 'number') device.reportsEvery(interval);
        if (notice.stream === 'event' && !late) {
          this.#isThere(topic.device, source.message);
          return this.#engine.event(device.ref(topic), notice.type, notice.ts, source.message.arrivedAt);
        }
        return this.#heard(device.ref(topic), source.message, asleep);
      }
      case 'rejection': {
        // A device that sends rubbish is not silent; one that nobody registered is not watched.
        const { topic, source, rejection } = decoded;
        if (topic === undefined || rejection.reason === 'unknown_device') return [];
        return this.#heard(this.#deviceOf(topic.device).ref(topic), source.message);
      }
    }
  }

  /** What the registry says of the devices may be something else than a moment ago. */
  #followRegister(): void {
    for (const [id, device] of this.#devices) {
      const registered = this.#parts.register.find(id);
      if (!device.isRegisteredAs(registered)) continue;
      const ref = device.registeredRef(id);
      if (ref !== undefined) this.#engine.describe(ref);
    }
  }

  #heard(device: DeviceRef, message: MessageRecord, asleep = false): readonly Transition[] {
    // What comes out of the quarantine was heard long ago.
    if (message.replayed === true) return [];
    this.#isThere(device.id, message, asleep);
    this.#engine.lastSeen(device, message.arrivedAt, asleep);
    return [];
  }

  #isThere(device: string, { arrivedAt, origin, client, via }: MessageRecord, asleep = false): void {
    this.#rollCall.heard(device, arrivedAt, asleep, origin === undefined ? via : client);
  }

  #takePresence({ client, online, arrivedAt }: PresenceRecord): void {
    if (isBridge(client)) this.#rollCall.bridge(client, online, arrivedAt);
    // One that is removed meanwhile goes; it is not to come back by that.
    else if (online || this.#devices.has(client)) {
      this.#deviceOf(client);
      this.#rollCall.connection(client, online, arrivedAt);
    }
  }

  #onVerdict(id: string, verdict: PresenceVerdict, at: number): void {
    const ref = this.#deviceOf(id).registeredRef(id);
    if (ref !== undefined) this.#engine.presence(ref, verdict, at);
  }

  #deviceOf(id: string): JudgedDevice {
    let device = this.#devices.get(id);
    if (device === undefined) {
      device = new JudgedDevice();
      device.isRegisteredAs(this.#parts.register.find(id));
      this.#devices.set(id, device);
    }
    this.#changed.set(id, device);
    return device;
  }

  async #commit(transitions: readonly Transition[]): Promise<void> {
    const { redis, lease, tags, metrics } = this.#parts;
    const topics = transitions.map(topicOf);
    await tags.ensure(topics.filter((topic) => topic !== undefined));
    for (const [i, transition] of transitions.entries()) {
      const topic = topics[i];
      const place = topic === undefined ? this.#placeOfGroup(transition) : tags.get(topic);
      await commitTransition(redis, lease, transition, place, this.#lastCommitted());
      const { kind, severity, shadow = false } = transition;
      metrics.transitions.inc({ kind, severity, shadow: String(shadow) });
    }
  }

  /** Before the next checkpoint: after a crash it is told again. */
  async #tellTally(): Promise<void> {
    const tally = this.#engine.takeTally();
    if (tally === undefined) return;
    const { lease, shards, append } = this.#parts;
    const told = { shard: lease.shard, shards, tally: JSON.stringify(tally) };
    await append(cityShard, { kind: 'tally', arrivedAt: tally.at, ...told });
  }

  #placeOfGroup({ site, group }: Transition): AlarmPlace {
    if (group?.kind === 'district') return { district: group.id, room: unassigned };
    const district = this.#parts.register.site(site)?.district ?? unassigned;
    return { district, room: group?.kind === 'room' ? group.id : unassigned };
  }

  /** An alarm that nobody watches would stay active for ever. */
  async #endAbandoned(): Promise<void> {
    const { redis, lease, clock } = this.#parts;
    const abandoned = this.#engine.takeAbandoned();
    const isDecided = abandoned.some(({ reason }) => reason === 'rule_off' || reason === 'rule_shadow');
    const decisions = isDecided ? await listModeDecisions(redis) : undefined;
    for (const { alarm: id, reason, shadow } of abandoned) {
      const alarm = await findActiveAlarm(redis, lease.shard, id, shadow);
      if (alarm === undefined) continue;
      const decision = decisions?.get(alarm.rule);
      const by = reason === `rule_${decision?.mode}` ? decision?.by : undefined;
      const ending = endAlarm(alarm, reason, clock.now(), by);
      await commitTransition(redis, lease, ending, alarm, this.#lastCommitted());
    }
  }

  #lastCommitted(): string {
    if (compareIds(this.#cursor, this.#committed) > 0) this.#committed = this.#cursor;
    return this.#committed;
  }

  /**
   * Forgets the devices that are not, or no longer, registered in this shard's sites, or were removed meanwhile, and
   * clears their alarms.
   */
  async #forgetRemoved(): Promise<void> {
    const { register, lease, shards } = this.#parts;
    const isOurs = (id: string, device: RegisteredDevice | undefined) =>
      device !== undefined &&
      shardOf(device.site, shards) === lease.shard &&
      this.#devices.get(id)?.isOf(device) === true;
    const missing = [...this.#devices.keys()].filter((id) => !isOurs(id, register.find(id)));
    if (missing.length === 0) return;
    // One that was registered a moment ago may have published before the feed told us of it.
    const answers = await register.ask(missing);
    for (const [i, id] of missing.entries()) {
      if (isOurs(id, answers[i])) continue;
      this.#engine.forget(id);
      this.#devices.delete(id);
      this.#changed.delete(id);
      this.#shown.delete(id);
      this.#removed.add(id);
    }
    await this.#endAbandoned();
  }

  async #checkpoint(rules = this.#rules): Promise<void> {
    this.#checkpointAt = performance.now();
    if (this.#cursor === this.#saved.cursor && rules.id === this.#saved.ruleSet) return;
    await this.#forgetRemoved();
    const presences = [...this.#changed].flatMap(([device, { attendee }]) => {
      const presence = this.#toShow(device, attendee);
      return presence === undefined ? [] : [{ device, presence }];
    });
    const changes = {
      ruleSet: rules.id,
      engine: this.#engine.takeChanges(),
      devices: this.#changed,
      bridges: this.#bridges,
      openedAt: this.#rollCall.openedAt,
      presences,
      presenceChanges: this.#rollCall.takeChanges(),
      removed: this.#removed,
    };
    await saveJudgeState(this.#parts.redis, this.#parts.lease, this.#cursor, changes);
    for (const { device, presence } of presences) this.#shown.set(device, presence);
    this.#changed = new Map();
    this.#removed.clear();
    this.#saved = { cursor: this.#cursor, ruleSet: rules.id };
    await this.#parts.onCheckpoint(this.#cursor);
  }

  /** What is to be written of the device's presence; undefined where that is not worth it yet. */
  #toShow(device: string, { state, since, heardAt, via }: Attendee): KeptPresence | undefined {
    if (state === undefined) return undefined;
    const through = via === undefined ? undefined : parseBridge(via);
    const shown = this.#shown.get(device);
    if (
      shown?.state === state &&
      shown.since === since &&
      shown.through?.name === through?.name &&
      shown.through?.kind === through?.kind &&
      heardAt - shown.lastSeenAt < shownLateMs
    )
      return undefined;
    return { state, since, lastSeenAt: heardAt, through };
  }
}

/** The device that the transition is about, as its readings name it; undefined for a group. */
function topicOf({ site, deviceClass, device }: Transition): DeviceTopic | undefined {
  return device === undefined ? undefined : { site, deviceClass, device, stream: 'telemetry' };
}
