import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { decodeFrame } from './frame.js';
import type { LogEntry, LogReader } from './log.js';

/** Reads the shards with plain range queries: no consumer group, so nothing is kept in Redis per reader. */
export class RedisLogReader implements LogReader {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async readAfter(shard: number, cursor: string, limit: number): Promise<LogEntry[]> {
    const rows = await this.#redis.xrangeBuffer(redisKeys.log(shard), `(${cursor}`, '+', 'COUNT', limit);
    return rows.map(([id, fields]) => {
      const frame = fields[1] ?? Buffer.alloc(0);
      return { id: id.toString('latin1'), records: decodeFrame(frame), bytes: frame.length };
    });
  }

  count(shard: number): Promise<number> {
    return this.#redis.xlen(redisKeys.log(shard));
  }

  async trimThrough(shard: number, cursor: string): Promise<void> {
    const [ms = '0', seq = '0'] = cursor.split('-');
    await this.#redis.xtrim(redisKeys.log(shard), 'MINID', `${ms}-${BigInt(seq) + 1n}`);
  }
}
