import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { SentLedger, SentState } from './notify.js';

/** The sent ledger in Redis: field `notice|recipient`, value `<state> <wall ms> <reason>`. */
export class RedisSentLedger implements SentLedger {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async state(notice: string, recipient: string): Promise<SentState | undefined> {
    const value = await this.#redis.hget(redisKeys.sent, `${notice}|${recipient}`);
    return value === null ? undefined : (value.split(' ', 1)[0] as SentState);
  }

  async mark(notice: string, recipient: string, state: SentState, reason = ''): Promise<void> {
    const value = `${state} ${Date.now()} ${reason}`.trimEnd();
    await this.#redis.hset(redisKeys.sent, `${notice}|${recipient}`, value);
  }

  /** Forgets mails that were settled before `at` (wall time, epoch ms): nothing can bring those up again. */
  async forgetBefore(at: number): Promise<void> {
    let cursor = '0';
    do {
      const [next, flat] = await this.#redis.hscan(redisKeys.sent, cursor, 'COUNT', 1000);
      const old: string[] = [];
      for (let i = 0; i < flat.length; i += 2) {
        const [state, markedAt] = (flat[i + 1] ?? '').split(' ', 2);
        if (state !== 'sending' && Number(markedAt) < at) old.push(flat[i] ?? '');
      }
      if (old.length > 0) await this.#redis.hdel(redisKeys.sent, ...old);
      cursor = next;
    } while (cursor !== '0');
  }
}
