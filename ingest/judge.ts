import { randomUUID } from 'node:crypto';
import type { DeviceRef } from '../rules/device-ref.js';
import { createEngine } from '../rules/engine/engine.js';
import type { Engine } from '../rules/engine/engine.js';
import type { Transition } from '../rules/alarm.js';
import { createCalendar } from '../rules/calendar.js';
import type { Tally } from '../rules/tally.js';
import type { PresenceState, PresenceVerdict } from '../devices/presence.js';
import type { EventType } from '../devices/event-type.js';
import type { Reading, RejectReason } from '../devices/telemetry.js';
import { shardOf } from '../devices/site.js';
import { isBridge } from './log/bridge-name.js';
import { entryTime } from './log/log.js';
import { JudgedDevice } from './judged-device.js';
import type { LogRecord, MessageRecord, PresenceRecord } from './log/frame.js';
import { PinnedRegistry } from './pinned-registry.js';
import { loadJudgeState, saveJudgeState } from './redis-judge-checkpoint.js';
import type { JudgeState } from './redis-judge-checkpoint.js';
import type { RegisteredDevice } from './redis-register.js';
import { RollCall } from './roll-call.js';
import type { RollCallParts } from './roll-call.js';
import type { RuleSet } from './rules/rule-set.js';
import type { RuleSets } from './rules/rule-source.js';
import { ShardAlarms } from './shard-alarms.js';
import type { ShardAlarmsParts } from './shard-alarms.js';
import type { WindowReader } from './shard-window.js';
import { ShownPresences } from './shown-presences.js';
import type { Decoded } from './stages/decoded.js';
import type { StopSignals } from './stop-signals.js';

const checkpointMs = 1000;
const waitMs = 250;
/** The shard whose judge looks at what reaches over several of them, such as districts. */
const cityShard = 0;

/** Reasons to reject what a device sent that say nothing of what it is like. */
const notItsFault: ReadonlySet<RejectReason> = new Set([
  'not_own_topic',
  'unknown_profile',
  'profile_failed',
  'internal_error',
  'retained_without_time',
]);

/** How long whom is waited for: see `RollCallParts`. */
export type PresenceTimes = Pick<RollCallParts, 'door' | 'bridgeIntervalS'>;

export interface JudgeParts extends ShardAlarmsParts {
  readonly window: WindowReader;
  readonly ruleSets: RuleSets;
  /** Of timetables, and of where days begin. */
  readonly timeZone: string;
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
 * ids; also when the rules or the registry were changed meanwhile: the checkpoint names the rules, and holds what of the
 * registry, that the log behind it was judged by.
 */
export class ShardJudge {
  readonly #parts: JudgeParts;
  readonly #engine: Engine;
  readonly #rollCall: RollCall;
  readonly #registry: PinnedRegistry;
  readonly #alarms: ShardAlarms;
  readonly #devices: Map<string, JudgedDevice>;
  readonly #bridges: JudgeState['bridges'];
  #changed = new Map<string, JudgedDevice>();
  /** Whom to forget with the next checkpoint; who has come back since is in it anew. */
  readonly #removed = new Set<string>();
  readonly #shown = new ShownPresences();
  #cursor: string;
  /** Cursor and set of rules of the last checkpoint. */
  #saved: { readonly cursor: string; readonly ruleSet: string | undefined };
  #rules: RuleSet;
  /** How often the registry had been read when it was last gone by. */
  #registryRead = -1;
  /** All that is recorded as active is known to be watched. */
  #isConfirmed = false;
  #checkpointAt = performance.now();
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  private constructor(parts: JudgeParts, state: JudgeState, rules: RuleSet) {
    this.#parts = parts;
    this.#cursor = state.cursor;
    this.#saved = state;
    this.#rules = rules;
    this.#registry = new PinnedRegistry(state.registry);
    this.#alarms = new ShardAlarms(parts, state.committed);
    this.#devices = state.devices;
    this.#bridges = state.bridges;
    const calendar = createCalendar({
      timeZone: parts.timeZone,
      timetable: (site) => this.#registry.timetable(site),
      isInMaintenance: (device, at) => this.#registry.maintenance.covers(device, at),
    });
    this.#engine = createEngine(rules.rules, calendar);
    this.#rollCall = new RollCall(
      {
        devices: state.devices,
        bridges: state.bridges,
        register: this.#registry,
        ...parts.presenceTimes,
        onVerdict: (device, verdict, at) => this.#onVerdict(device, verdict, at),
      },
      state.openedAt,
    );
    for (const [key, json] of state.engine) this.#engine.restore(key, json);
    if (state.registry.size === 0) this.#registry.adopt(parts.register, this.#isOurs);
    this.#describeDevices();
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
    while (!signals.abort.aborted) {
      // What was recorded before a crash is first judged again by what it was recorded by: otherwise it might not be
      // found again, and nobody would ever clear it.
      if (!this.#alarms.isAheadOf(this.#cursor)) {
        await this.#confirmAlarms();
        await this.#followRegistry();
        await this.#followRules();
      }
      const entries = await this.#parts.window.after(this.#cursor, waitMs, signals.drain);
      if (entries.length === 0 && signals.drain.aborted) break;
      this.waitingSince = entries[0] === undefined ? undefined : entryTime(entries[0].id);
      for (const entry of entries) {
        const transitions = entry.decoded.flatMap((decoded) => this.#judge(decoded));
        this.#cursor = entry.id;
        if (transitions.length > 0) await this.#alarms.record(transitions, this.#cursor);
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

  readonly #isOurs = (site: string): boolean => shardOf(site, this.#parts.shards) === this.#parts.lease.shard;

  /** Ends what is recorded as active and nobody watches, whatever it was lost by: it would stay so for ever. */
  async #confirmAlarms(): Promise<void> {
    if (this.#isConfirmed) return;
    this.#isConfirmed = true;
    await this.#alarms.endAllBut(this.#engine.activeAlarms(), this.#cursor);
  }

  /**
   * Goes by what is registered now, before anything more is judged: an id that was removed and registered again is a
   * new device.
   */
  async #followRegistry(): Promise<void> {
    const { register } = this.#parts;
    if (this.#registryRead === register.changes) return;
    this.#registryRead = register.changes;
    const isOther = this.#registry.adopt(register, this.#isOurs);
    await this.#forgetRemoved();
    this.#describeDevices();
    await this.#endAbandoned();
    if (isOther) await this.#checkpoint(this.#rules, true);
  }

  /** Goes on with the newest rules. */
  async #followRules(): Promise<void> {
    const next = this.#parts.ruleSets.current;
    if (next.id === this.#rules.id) return;
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
        const { reading, late, source, topic } = decoded;
        const { message } = source;
        const device = this.#deviceOf(topic.device);
        const verdict = device.seen.see(reading);
        const isJudged = verdict === 'new' && !late;
        const found = isJudged
          ? this.#judgeReading(device.ref(topic), reading, message)
          : this.#heard(device.ref(topic), message);
        if (message.replayed === true) return found;
        const { arrivedAt } = message;
        let trouble: EventType | undefined;
        if (verdict === 'new') trouble = device.watch.clock(arrivedAt - reading.ts, arrivedAt);
        else if (verdict === 'same_timestamp' && !late) trouble = device.watch.refused(arrivedAt);
        return this.#tell(device.ref(topic), trouble, isJudged ? reading.ts : arrivedAt, arrivedAt, found);
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
        const device = this.#deviceOf(topic.device);
        const ref = device.ref(topic);
        const found = this.#heard(ref, source.message);
        const { arrivedAt, replayed } = source.message;
        if (replayed === true || notItsFault.has(rejection.reason)) return found;
        const { ts, late } = decoded;
        const isOfClock = rejection.reason === 'clock_ahead' || rejection.reason === 'clock_behind';
        if (isOfClock) {
          const trouble = ts === undefined ? undefined : device.watch.clock(arrivedAt - ts, arrivedAt);
          return this.#tell(ref, trouble, arrivedAt, arrivedAt, found);
        }
        if (late === true) return found;
        // In the device's own time: in ours, its windows would seem to be over.
        const at = ts === undefined ? arrivedAt : Math.min(ts, arrivedAt);
        return this.#tell(ref, device.watch.refused(arrivedAt), at, arrivedAt, found);
      }
    }
  }

  #judgeReading(device: DeviceRef, reading: Reading, message: MessageRecord): readonly Transition[] {
    this.#parts.metrics.evaluated++;
    this.#isThere(device.id, message);
    return this.#engine.reading(device, reading, message.arrivedAt);
  }

  /** Judges a trouble that was found with what a device sent, as an event of it, after what came of that itself. */
  #tell(
    device: DeviceRef,
    trouble: EventType | undefined,
    at: number,
    arrivedAt: number,
    found: readonly Transition[],
  ): readonly Transition[] {
    return trouble === undefined ? found : [...found, ...this.#engine.event(device, trouble, at, arrivedAt)];
  }

  /** What the registry says of the devices may be something else than before. */
  #describeDevices(): void {
    for (const [id, device] of this.#devices) {
      const registered = this.#registry.find(id);
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
      device.isRegisteredAs(this.#registry.find(id));
      this.#devices.set(id, device);
    }
    this.#changed.set(id, device);
    return device;
  }

  /** Before the next checkpoint: after a crash it is told again. */
  async #tellTally(): Promise<void> {
    const tally = this.#engine.takeTally();
    if (tally === undefined) return;
    const { lease, shards, append } = this.#parts;
    const owned: Tally = { ...tally, owner: Number(lease.token) };
    const told = { shard: lease.shard, shards, tally: JSON.stringify(owned) };
    await append(cityShard, { kind: 'tally', arrivedAt: tally.at, ...told });
  }

  async #endAbandoned(): Promise<void> {
    await this.#alarms.end(this.#engine.takeAbandoned(), this.#cursor);
  }

  /**
   * Forgets the devices that are not, or no longer, registered in this shard's sites, or were removed meanwhile, and
   * clears their alarms.
   */
  async #forgetRemoved(): Promise<void> {
    const isOurs = (id: string, device: RegisteredDevice | undefined) =>
      device !== undefined && this.#isOurs(device.site) && this.#devices.get(id)?.isOf(device) === true;
    const missing = [...this.#devices.keys()].filter((id) => !isOurs(id, this.#registry.find(id)));
    if (missing.length === 0) return;
    // One that was registered a moment ago may have published before the feed told us of it.
    const answers = await this.#parts.register.ask(missing);
    for (const [i, id] of missing.entries()) {
      if (isOurs(id, answers[i])) continue;
      this.#engine.forget(id);
      this.#devices.delete(id);
      this.#changed.delete(id);
      this.#shown.forget(id);
      this.#removed.add(id);
    }
    await this.#endAbandoned();
  }

  /** @param isOther something else than the cursor has to be saved */
  async #checkpoint(rules = this.#rules, isOther = false): Promise<void> {
    this.#checkpointAt = performance.now();
    if (!isOther && this.#cursor === this.#saved.cursor && rules.id === this.#saved.ruleSet) return;
    if (!this.#alarms.isAheadOf(this.#cursor)) await this.#forgetRemoved();
    const attendees = [...this.#changed].map(([id, { attendee }]) => [id, attendee] as const);
    const presences = this.#shown.due(attendees);
    const changes = {
      save: randomUUID(),
      ruleSet: rules.id,
      engine: this.#engine.takeChanges(),
      registry: this.#registry.takeChanges(),
      devices: this.#changed,
      bridges: this.#bridges,
      openedAt: this.#rollCall.openedAt,
      presences,
      presenceChanges: this.#rollCall.takeChanges(),
      removed: this.#removed,
    };
    await saveJudgeState(this.#parts.redis, this.#parts.lease, this.#cursor, changes);
    this.#shown.written(presences);
    this.#changed = new Map();
    this.#removed.clear();
    this.#saved = { cursor: this.#cursor, ruleSet: rules.id };
    await this.#alarms.checkpointed();
    await this.#parts.onCheckpoint(this.#cursor);
  }
}
