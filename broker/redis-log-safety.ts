import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { assertDurable } from '../runtime/redis-durability.js';

const checkMs = 1000;
/** Above this share of its memory Redis takes no more readings: what settles them needs room to write, too. */
const fullShare = 0.9;
/** Above this share nobody is let in: each who comes is written down, and what settles the log needs that room. */
const lastShare = 0.95;
/** Below this share it takes them again. */
const roomShare = 0.85;

export interface LogSafetyParts {
  readonly redis: Redis;
  /** For messages, without a password. */
  readonly shownUrl: string;
  readonly allowVolatile: boolean;
  readonly log: Logger;
  /** Told whenever `trouble` comes or goes. */
  readonly onChange: (trouble: string | undefined) => void;
}

/**
 * Watches whether Redis can keep what it acknowledges: set to fsync, able to write its file, with room left.
 * While it can't, the broker must not take messages; whoever waits for room to be made is the ingest, which
 * trims the log.
 */
export class LogSafety {
  readonly #parts: LogSafetyParts;
  readonly #timer: NodeJS.Timeout;
  #trouble: string | undefined;
  /** Why it may lose what it acknowledges; asked at the start and whenever the connection is a new one. */
  #volatile: string | undefined;
  #warning: string | undefined;
  #checking = false;
  #noneComesIn: string | undefined;

  private constructor(parts: LogSafetyParts) {
    this.#parts = parts;
    parts.redis.on('ready', () => void this.#askDurability());
    this.#timer = setInterval(() => void this.#check(), checkMs);
  }

  /** @throws AppError `volatile_redis` when Redis is not set to keep what it acknowledges */
  static async start(parts: LogSafetyParts): Promise<LogSafety> {
    if (!parts.allowVolatile) await assertDurable(parts.redis, parts.shownUrl);
    return new LogSafety(parts);
  }

  /** One sentence while readings can't be taken; else undefined. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Why no client is let in; undefined while they are. */
  get noneComesIn(): string | undefined {
    return this.#noneComesIn;
  }

  /** One sentence while nothing keeps Redis from filling the machine's memory; else undefined. */
  get warning(): string | undefined {
    return this.#warning;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #askDurability(): Promise<void> {
    if (this.#parts.allowVolatile) return;
    try {
      await assertDurable(this.#parts.redis, this.#parts.shownUrl);
      this.#volatile = undefined;
    } catch (error) {
      this.#volatile = messageOf(error);
    }
    await this.#check();
  }

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    try {
      const [memory, persistence] = await Promise.all([
        this.#parts.redis.info('memory'),
        this.#parts.redis.info('persistence'),
      ]);
      this.#noneComesIn = shareUsed(memory) < lastShare ? undefined : 'Redis has no room left';
      this.#warning = findWarning(memory);
      this.#tell(this.#volatile ?? findTrouble(memory + persistence, this.#trouble !== undefined));
    } catch {
      // Redis is away: appends fail by themselves.
    } finally {
      this.#checking = false;
    }
  }

  #tell(trouble: string | undefined): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    if ((before === undefined) === (trouble === undefined)) return;
    if (trouble === undefined) this.#parts.log.info('Redis takes readings again');
    else this.#parts.log.error(`no reading is taken: ${trouble}`);
    this.#parts.onChange(trouble);
  }
}

/** What may go wrong one day by the `memory` section of INFO; undefined when nothing does. */
export function findWarning(info: string): string | undefined {
  if (!/^maxmemory:0\s*$/m.test(info)) return undefined;
  return (
    'Redis has no memory limit (maxmemory 0): if InfluxDB is away for long, the system may kill it instead of readings ' +
    'being refused in time. Set maxmemory to what the machine can spare.'
  );
}

/**
 * What is wrong by the `memory` and `persistence` sections of INFO; undefined when nothing is.
 * @param inTrouble it was wrong before: there must be some room now for it to be right again
 */
export function findTrouble(info: string, inTrouble: boolean): string | undefined {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  if (field('aof_last_write_status') === 'err') {
    return 'Redis can not write its append-only file: look at its log and at the disk.';
  }
  const share = shareUsed(info);
  if (share < (inTrouble ? roomShare : fullShare)) return undefined;
  const mebibytes = Math.round(Number(field('maxmemory') ?? 0) / 1_048_576);
  return (
    `Redis has used ${Math.round(share * 100)} % of its memory (maxmemory ${mebibytes} MiB): ` +
    'see why the log is not emptied, usually InfluxDB is away, or raise maxmemory.'
  );
}

/** Of `maxmemory`, by the `memory` section of INFO; 0 where there is none. */
function shareUsed(info: string): number {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const most = field('maxmemory');
  return most === 0 ? 0 : field('used_memory') / most;
}
