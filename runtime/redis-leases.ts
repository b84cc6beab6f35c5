import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './app-error.js';
import type { Logger } from './logger.js';
import { processIdentity } from './process-identity.js';
import type { Redis } from './redis-connection.js';
import type { Fence } from './redis-fence.js';

/** Who has a lease: enough for another process of the same machine to see whether it still runs. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  readonly id: string;
}

/** What one process at a time may have. */
export interface Leased {
  /** Key of the string that expires: who has it. */
  readonly leaseKey: string;
  /** Key of the counter: the token of its latest owner. */
  readonly tokenKey: string;
  /** In words, such as `Shard 3`. */
  readonly what: string;
}

/** Something of our own until it is given back or lost. */
export interface Lease extends Leased, Fence {
  /** Aborted when there is another owner. */
  readonly lost: AbortSignal;
}

const leaseMs = 3000;
const renewMs = 1000;
const askMs = 250;

/**
 * KEYS[1] lease, KEYS[2] token counter; ARGV[1] who asks, ARGV[2] ms, ARGV[3] a holder that is known to be gone,
 * or empty. Returns {token, holder}: the token is empty when somebody else holds the lease. Asked again after a
 * lost reply it answers the same.
 */
const acquireScript = `
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return {redis.call('GET', KEYS[2]), holder} end
if holder and holder ~= ARGV[3] then return {'', holder} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {tostring(redis.call('INCR', KEYS[2])), ARGV[1]}`;

/**
 * KEYS[1] lease, KEYS[2] token counter; ARGV[1] who asks, ARGV[2] ms (0 gives the lease back), ARGV[3] its token.
 * Returns 0 when a newer token was given out. A lease that ran out unnoticed by anybody is simply taken up again.
 */
const renewScript = `
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`;

/**
 * Makes sure that something has one owner. Whoever holds its lease renews it; one that is gone or stalled for three
 * seconds loses it to the next that asks. What makes this safe is not the time but the token: every change checks it
 * (`runFenced`), so that a stalled owner that wakes up can do no harm.
 */
export class Leases {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #self: string;
  readonly #held = new Map<Lease, AbortController>();
  readonly #waiting = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
    const holder: Holder = {
      host: machineName(),
      pid: process.pid,
      started: processIdentity(process.pid) ?? '',
      id: randomUUID(),
    };
    this.#self = JSON.stringify(holder);
    this.#timer = setInterval(() => this.#renewAll(), renewMs);
  }

  /** Waits until it is free and takes it; undefined when the signal came first. */
  async acquire(leased: Leased, signal: AbortSignal): Promise<Lease | undefined> {
    let gone = '';
    try {
      while (!signal.aborted) {
        const [token, holder] = (await this.#redis.eval(
          acquireScript,
          2,
          leased.leaseKey,
          leased.tokenKey,
          this.#self,
          leaseMs,
          gone,
        )) as [string, string];
        if (token !== '') return this.#keep(leased, token);
        const { host, pid } = JSON.parse(holder) as Holder;
        this.#waiting.set(leased.leaseKey, `process ${pid} on ${host}`);
        gone = isGone(holder) ? holder : '';
        if (gone === '') await sleep(askMs, undefined, { signal }).catch(() => undefined);
      }
      return undefined;
    } finally {
      this.#waiting.delete(leased.leaseKey);
    }
  }

  /** Gives it back, so that the next one need not wait. */
  async release(lease: Lease): Promise<void> {
    if (this.#held.delete(lease)) await this.#tell(lease, 0);
  }

  /** Lease keys that are waited for, and the process that holds each. */
  get waiting(): ReadonlyMap<string, string> {
    return this.#waiting;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #keep(leased: Leased, token: string): Lease {
    const lost = new AbortController();
    const lease: Lease = { ...leased, token, lost: lost.signal };
    this.#held.set(lease, lost);
    return lease;
  }

  #renewAll(): void {
    for (const [lease, lost] of this.#held) {
      this.#tell(lease, leaseMs)
        .then((kept) => {
          if (kept) return;
          this.#held.delete(lease);
          lost.abort(new Error(`${lease.what} was taken over by another process`));
        })
        .catch((error: unknown) => this.#log.debug(`lease of ${lease.what}: ${messageOf(error)}`));
    }
  }

  async #tell({ leaseKey, tokenKey, token }: Lease, ms: number): Promise<boolean> {
    return (await this.#redis.eval(renewScript, 2, leaseKey, tokenKey, this.#self, ms, token)) === 1;
  }
}

/** Whether the holder was a process of this machine that has ended: then nobody has to wait for its lease. */
function isGone(holder: string): boolean {
  const { host, pid, started } = JSON.parse(holder) as Holder;
  return host === machineName() && processIdentity(pid) !== started;
}

/** The name of what process ids are unique in: on Linux the host's name is not enough, containers may share it. */
function machineName(): string {
  try {
    return `${hostname()}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
