import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { FrameBuilder } from './frame.js';
import type { LogRecord, MessageRecord } from './frame.js';
import type { LogWriter } from './log.js';
import { encodeRetained, mostRetainedBytes } from './retained.js';

/**
 * KEYS[1] log stream, KEYS[2] appended counter, KEYS[3] retained messages; ARGV[1] frame, ARGV[2] device messages
 * in it, ARGV[3] about how many entries to keep where the log may lose its oldest, else '', ARGV[4] topic, ARGV[5]
 * what to retain of it ('': nothing any more), and so on by twos.
 * Returns the entry's id. Atomic: neither the counter nor what is retained ever disagrees with the stream.
 */
const appendScript = `
redis.call('INCRBY', KEYS[2], ARGV[2])
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[3], ARGV[i])
  else redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
end
if ARGV[3] ~= '' then return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'f', ARGV[1]) end
return redis.call('XADD', KEYS[1], '*', 'f', ARGV[1])`;

type Done = (error?: Error) => void;

/** What is gathered for the next round: a frame a shard, and whom to tell, in order of arrival. */
interface Round {
  readonly frames: Map<number, FrameBuilder>;
  /** By shard, topics and what to retain of them, in turn. */
  readonly retained: Map<number, (string | Buffer)[]>;
  readonly done: Done[];
  /** About what it comes to in Redis. */
  bytes: number;
}

interface WriterOptions {
  /** Told the size and duration of every durable round. */
  readonly onRound?: (records: number, ms: number) => void;
  /** For a log that nobody reads: about how many entries to keep of a shard. @defaultValue all */
  readonly keepEntries?: number | undefined;
}

/** Rounds are started no closer than this, so that under load many messages share one fsync. */
const spacingMs = 2;
/** While one round is fsynced the next is already on its way. */
const roundsInFlight = 2;
/**
 * A round ends here. One that took as long as the patience with Redis would fail, its clients would send the same
 * again, and it would be as large the next time.
 */
const mostRoundBytes = 2 * 1024 * 1024;

/**
 * Group commit: whatever came since the last round went out goes as the next one, one entry a shard, in one
 * pipelined write. Rounds are answered in order, and records within them too, so the order of PUBACKs is the
 * order of PUBLISHes [MQTT-4.6.0-2]. The Redis must fsync before it replies (`appendfsync always`).
 */
export class RedisLogWriter implements LogWriter {
  readonly #redis: Redis;
  readonly #onRound: (records: number, ms: number) => void;
  readonly #trim: number | '';
  /** Complete, and not on their way yet. */
  #full: Round[] = [];
  #open: Round = emptyRound();
  #inFlight = 0;
  #lastAnswered: Promise<void> = Promise.resolve();
  #scheduled = false;
  #lastStart = 0;
  #idle: (() => void)[] = [];

  /**
   * @param redis a connection of its own with a `commandTimeout`: a round not answered by then has failed
   */
  constructor(redis: Redis, { onRound = () => undefined, keepEntries }: WriterOptions = {}) {
    this.#redis = redis;
    this.#onRound = onRound;
    this.#trim = keepEntries ?? '';
  }

  append(shard: number, record: LogRecord, done: Done): void {
    let frame = this.#open.frames.get(shard);
    if (frame === undefined) this.#open.frames.set(shard, (frame = new FrameBuilder()));
    frame.add(record);
    if (record.kind === 'message' && record.retain === true) this.#retain(shard, record);
    this.#open.done.push(done);
    if (record.kind === 'message') this.#open.bytes += record.payload.length + record.topic.length;
    if (this.#open.bytes >= mostRoundBytes) {
      this.#full.push(this.#open);
      this.#open = emptyRound();
    }
    if (!this.#scheduled) this.#schedule();
  }

  #retain(shard: number, { topic, payload, qos0, cutFrom }: MessageRecord): void {
    const { retained } = this.#open;
    const kept = retained.get(shard) ?? [];
    retained.set(shard, kept);
    // What can't be kept must not leave the one before it standing as the last.
    const none = payload.length === 0 || payload.length > mostRetainedBytes || cutFrom !== undefined;
    kept.push(topic, none ? '' : encodeRetained({ qos: qos0 === true ? 0 : 1, payload }));
  }

  drain(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#inFlight === 0 && !this.#isAnyWaiting();
  }

  #isAnyWaiting(): boolean {
    return this.#full.length > 0 || this.#open.done.length > 0;
  }

  #takeRound(): Round {
    const full = this.#full.shift();
    if (full !== undefined) return full;
    const open = this.#open;
    this.#open = emptyRound();
    return open;
  }

  #schedule(): void {
    if (this.#inFlight >= roundsInFlight) return;
    this.#scheduled = true;
    const sinceLast = performance.now() - this.#lastStart;
    const start = () => {
      this.#scheduled = false;
      if (this.#isAnyWaiting()) void this.#commit();
    };
    if (sinceLast >= spacingMs) setImmediate(start);
    else setTimeout(start, spacingMs - sinceLast);
  }

  async #commit(): Promise<void> {
    const round = this.#takeRound();
    this.#inFlight++;
    const startedAt = performance.now();
    this.#lastStart = startedAt;
    const before = this.#lastAnswered;
    const answered = this.#write(round).then(
      () => before.then(() => this.#succeed(round, startedAt)),
      (error: unknown) => before.then(() => this.#fail(round, error)),
    );
    this.#lastAnswered = answered;
    await answered;
    this.#inFlight--;
    if (this.#isAnyWaiting() && !this.#scheduled) this.#schedule();
    else if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #succeed(round: Round, startedAt: number): void {
    this.#onRound(round.done.length, performance.now() - startedAt);
    for (const done of round.done) done();
  }

  #fail(round: Round, reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    // What waited behind a failed round has waited as long: fail it too instead of one time-out later.
    const waiting = [...this.#full.splice(0), this.#open];
    this.#open = emptyRound();
    for (const failed of [round, ...waiting]) for (const done of failed.done) done(error);
  }

  async #write(round: Round): Promise<void> {
    const commands = [...round.frames].map(([shard, frame]) =>
      this.#redis.eval(
        appendScript,
        3,
        redisKeys.log(shard),
        redisKeys.appended(shard),
        redisKeys.retained(shard),
        frame.take(),
        frame.messages,
        this.#trim,
        ...(round.retained.get(shard) ?? []),
      ),
    );
    // All shards of a round are settled before any of it is answered, or order would be lost.
    const results = await Promise.allSettled(commands);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

function emptyRound(): Round {
  return { frames: new Map(), retained: new Map(), done: [], bytes: 0 };
}
