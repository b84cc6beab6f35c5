import type { DeviceRef } from '../rules/engine/device-state.js';
import type { Engine } from '../rules/engine/engine.js';
import type { Alarm, Transition } from '../rules/alarm.js';
import type { DeviceTopic } from '../devices/topic.js';
import type { Clock } from '../runtime/clock.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { entryTime } from './log/log.js';
import type { ShardFence } from './log/log.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { JudgedDevice } from './judged-device.js';
import type { MessageRecord } from './log/frame.js';
import { commitTransition, loadJudgeState, saveJudgeState } from './redis-judge-checkpoint.js';
import type { JudgeState } from './redis-judge-checkpoint.js';
import type { WindowReader } from './shard-window.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import type { Decoded } from './stages/decoded.js';
import type { StopSignals } from './stop-signals.js';

const checkpointMs = 1000;
const waitMs = 250;

export interface JudgeParts {
  readonly redis: Redis;
  /** The right to change the shard, and which one it is. */
  readonly lease: ShardFence;
  readonly window: WindowReader;
  readonly tags: DeviceTagBook;
  readonly metrics: IngestMetrics;
  readonly createEngine: () => Engine;
  readonly clock: Clock;
  /** Told after every checkpoint up to where the judge no longer needs the log. */
  readonly onCheckpoint: (cursor: string) => Promise<void>;
}

/**
 * Follows one shard of the log with the rules engine. A transition is committed (alarm state and outbox
 * together) as soon as it is found; the engine's state is checkpointed with its cursor. After a crash the
 * log since the checkpoint is judged again, with the same transitions under the same ids.
 */
export class ShardJudge {
  readonly #parts: JudgeParts;
  readonly #engine: Engine;
  readonly #devices: Map<string, JudgedDevice>;
  #changed = new Map<string, JudgedDevice>();
  #cursor: string;
  #saved: string;
  #checkpointAt = performance.now();
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  /** Active alarms of rules that are no more. */
  readonly #abandoned: readonly string[];

  private constructor(parts: JudgeParts, state: JudgeState) {
    this.#parts = parts;
    this.#cursor = state.cursor;
    this.#saved = state.cursor;
    this.#devices = state.devices;
    this.#engine = parts.createEngine();
    this.#abandoned = [...state.engine].flatMap(([key, json]) => this.#engine.restore(key, json));
  }

  static async load(parts: JudgeParts): Promise<ShardJudge> {
    return new ShardJudge(parts, await loadJudgeState(parts.redis, parts.lease.shard));
  }

  /** Until told to stop: with `drain`, at the end of the log; with `abort`, at once. */
  async run(signals: StopSignals): Promise<void> {
    await this.#clearAbandoned();
    while (!signals.abort.aborted) {
      const entries = await this.#parts.window.after(this.#cursor, waitMs, signals.drain);
      if (entries.length === 0 && signals.drain.aborted) break;
      this.waitingSince = entries[0] === undefined ? undefined : entryTime(entries[0].id);
      for (const entry of entries) {
        const transitions = entry.decoded.flatMap((decoded) => this.#judge(decoded));
        if (transitions.length > 0) await this.#commit(transitions);
        this.#cursor = entry.id;
      }
      if (performance.now() - this.#checkpointAt >= checkpointMs) await this.#checkpoint();
    }
    if (!signals.abort.aborted) await this.#checkpoint();
  }

  #judge(decoded: Decoded): readonly Transition[] {
    switch (decoded.kind) {
      case 'tick':
        return this.#engine.tick(decoded.arrivedAt);
      case 'opened':
        this.#engine.opened(decoded.arrivedAt);
        return [];
      case 'nothing':
      case 'presence':
        return [];
      case 'reading': {
        const { message } = decoded.source;
        const device = this.#deviceOf(decoded.topic);
        const isNew = device.seen.see(decoded.reading) === 'new';
        if (!isNew || decoded.late) return this.#heard(device.ref(decoded.topic), message);
        this.#parts.metrics.evaluated++;
        return this.#engine.reading(device.ref(decoded.topic), decoded.reading, message.arrivedAt);
      }
      case 'notice': {
        const { notice, topic, source } = decoded;
        // What says that a device is gone (the broker publishes it as the Will) is no sign of life.
        if (notice.stream === 'state' && notice.body['s'] === 'offline') return [];
        const device = this.#deviceOf(topic);
        const asleep = notice.stream === 'state' && notice.body['s'] === 'sleeping';
        const interval = notice.stream === 'meta' ? notice.body['interval_s'] : undefined;
        if (typeof interval === 'number') device.reportsEvery(interval);
        return this.#heard(device.ref(topic), source.message, asleep);
      }
      case 'rejection': {
        // A device that sends rubbish is not silent; one that nobody registered is not watched.
        const { topic, source, rejection } = decoded;
        if (topic === undefined || rejection.reason === 'unknown_device') return [];
        return this.#heard(this.#deviceOf(topic).ref(topic), source.message);
      }
    }
  }

  #heard(device: DeviceRef, message: MessageRecord, asleep = false): readonly Transition[] {
    // What comes out of the quarantine was heard long ago.
    if (message.replayed !== true) this.#engine.lastSeen(device, message.arrivedAt, asleep);
    return [];
  }

  #deviceOf(topic: DeviceTopic): JudgedDevice {
    let device = this.#devices.get(topic.device);
    if (device === undefined) this.#devices.set(topic.device, (device = new JudgedDevice()));
    this.#changed.set(topic.device, device);
    return device;
  }

  async #commit(transitions: readonly Transition[]): Promise<void> {
    const { redis, lease, tags, metrics } = this.#parts;
    const topics = transitions.map(({ site, deviceClass, device }): DeviceTopic => ({
      site,
      deviceClass,
      device,
      stream: 'telemetry',
    }));
    await tags.ensure(topics);
    for (const [i, transition] of transitions.entries()) {
      const place = tags.get(topics[i] as DeviceTopic);
      await commitTransition(redis, lease, transition, toAlarm(transition, place));
      metrics.transitions.inc({ kind: transition.kind, severity: transition.severity });
    }
  }

  /** An alarm that no rule watches would stay active for ever. */
  async #clearAbandoned(): Promise<void> {
    const { redis, lease, clock } = this.#parts;
    for (const id of this.#abandoned) {
      const json = await redis.hget(redisKeys.alarms(lease.shard), id);
      if (json === null) continue;
      const alarm = JSON.parse(json) as Alarm;
      const at = clock.now();
      const clear = { reason: 'rule_removed', evidence: {} } as const;
      const transition: Transition = { ...alarm, ...clear, id: `${id}~clear`, alarm: id, kind: 'clear', at };
      const cleared: Alarm = { ...alarm, ...clear, state: 'cleared', clearedAt: at };
      await commitTransition(redis, lease, transition, cleared);
    }
  }

  async #checkpoint(): Promise<void> {
    this.#checkpointAt = performance.now();
    if (this.#cursor === this.#saved) return;
    const changes = { engine: this.#engine.takeChanges(), devices: this.#changed };
    await saveJudgeState(this.#parts.redis, this.#parts.lease, this.#cursor, changes);
    this.#changed = new Map();
    this.#saved = this.#cursor;
    await this.#parts.onCheckpoint(this.#cursor);
  }
}

/** The alarm as it is after the transition. */
function toAlarm(transition: Transition, place: { readonly district: string; readonly room: string }): Alarm {
  const { kind, at, alarm, rule, ruleVersion, severity, title, advice, condition, evidence } = transition;
  const { raisedAt, site, deviceClass, device, part } = transition;
  const what = { rule, ruleVersion, severity, title, advice, condition, evidence };
  const where = { district: place.district, site, room: place.room, deviceClass, device, part };
  const base = { id: alarm, ...what, ...where, raisedAt };
  return kind === 'raise' ? { ...base, state: 'active' } : { ...base, state: 'cleared', clearedAt: at };
}
