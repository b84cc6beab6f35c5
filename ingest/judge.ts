import type { DeviceRef } from '../rules/engine/device-state.js';
import type { Engine } from '../rules/engine/engine.js';
import type { Alarm, Transition } from '../rules/alarm.js';
import type { DeviceTopic } from '../devices/topic.js';
import { parseTopic } from '../devices/topic.js';
import type { Redis } from '../runtime/redis-connection.js';
import { entryTime } from './log/log.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { SeenReadings } from './ledger/seen-readings.js';
import { commitTransition, loadJudgeState, saveJudgeState } from './redis-judge-checkpoint.js';
import type { JudgeState } from './redis-judge-checkpoint.js';
import type { ShardWindow } from './shard-window.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import type { Decoded } from './stages/decoded.js';
import type { StopSignals } from './stop-signals.js';

const checkpointMs = 1000;
const waitMs = 250;

export interface JudgeParts {
  readonly redis: Redis;
  readonly window: ShardWindow;
  readonly tags: DeviceTagBook;
  readonly metrics: IngestMetrics;
  readonly createEngine: () => Engine;
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
  readonly #shard: number;
  readonly #engine: Engine;
  readonly #seen: Map<string, SeenReadings>;
  #changedSeen = new Map<string, SeenReadings>();
  #cursor: string;
  #saved: string;
  #checkpointAt = performance.now();
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  private constructor(parts: JudgeParts, shard: number, state: JudgeState) {
    this.#parts = parts;
    this.#shard = shard;
    this.#cursor = state.cursor;
    this.#saved = state.cursor;
    this.#seen = state.seen;
    this.#engine = parts.createEngine();
    for (const [key, json] of state.engine) this.#engine.restore(key, json);
  }

  static async load(parts: JudgeParts, shard: number): Promise<ShardJudge> {
    return new ShardJudge(parts, shard, await loadJudgeState(parts.redis, shard));
  }

  /** Until told to stop: with `drain`, at the end of the log; with `abort`, at once. */
  async run(signals: StopSignals): Promise<void> {
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
      case 'presence':
        // Who connects is alive; its class and site are known from what it publishes.
        return [];
      case 'reading': {
        const { arrivedAt } = decoded.source.message;
        const device = refOf(decoded.topic);
        const isNew = this.#see(device.id, decoded.reading) === 'new';
        if (!isNew || decoded.late) return this.#heard(device, arrivedAt, decoded.source.message.replayed);
        this.#parts.metrics.evaluated.inc();
        return this.#engine.reading(device, decoded.reading, arrivedAt);
      }
      case 'notice':
        return this.#heard(
          refOf(decoded.topic),
          decoded.source.message.arrivedAt,
          decoded.source.message.replayed,
        );
      case 'rejection': {
        // A device that sends rubbish is not silent.
        const { message } = decoded.source;
        const topic = parseTopic(message.topic);
        if ('wrong' in topic || message.foreignTopic === true) return [];
        return this.#heard(refOf(topic), message.arrivedAt, message.replayed);
      }
    }
  }

  #heard(
    device: DeviceRef,
    at: number,
    replayed: boolean | undefined,
    asleep = false,
  ): readonly Transition[] {
    // What comes out of the quarantine was heard long ago.
    if (replayed !== true) this.#engine.lastSeen(device, at, asleep);
    return [];
  }

  #see(device: string, reading: Parameters<SeenReadings['see']>[0]) {
    let seen = this.#seen.get(device);
    if (seen === undefined) this.#seen.set(device, (seen = new SeenReadings()));
    this.#changedSeen.set(device, seen);
    return seen.see(reading);
  }

  async #commit(transitions: readonly Transition[]): Promise<void> {
    const { redis, tags, metrics } = this.#parts;
    const topics = transitions.map(({ site, deviceClass, device }): DeviceTopic => ({
      site,
      deviceClass,
      device,
      stream: 'telemetry',
    }));
    await tags.ensure(topics);
    for (const [i, transition] of transitions.entries()) {
      const place = tags.get(topics[i] as DeviceTopic);
      await commitTransition(redis, this.#shard, transition, toAlarm(transition, place));
      metrics.transitions.inc({ kind: transition.kind, severity: transition.severity });
    }
  }

  async #checkpoint(): Promise<void> {
    this.#checkpointAt = performance.now();
    if (this.#cursor === this.#saved) return;
    const changes = { engine: this.#engine.takeChanges(), seen: this.#changedSeen };
    await saveJudgeState(this.#parts.redis, this.#shard, this.#cursor, changes);
    this.#changedSeen = new Map();
    this.#saved = this.#cursor;
    await this.#parts.onCheckpoint(this.#cursor);
  }
}

function refOf({ device, site, deviceClass }: DeviceTopic): DeviceRef {
  return { id: device, site, deviceClass };
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
