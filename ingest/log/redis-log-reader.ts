import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { decodeFrame } from './frame.js';
import type { LogEntry, LogReader, ShardFence } from './log.js';
import { runFenced } from './redis-shard-fence.js';

/** KEYS[2] log stream; ARGV[2] the first id to keep. Returns how many entries went. */
const trimScript = `return redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])`;

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

  async trimThrough(fence: ShardFence, cursor: string): Promise<void> {
    const [ms = '0', seq = '0'] = cursor.split('-');
    const firstKept = `${ms}-${BigInt(seq) + 1n}`;
    await runFenced(this.#redis, fence, trimScript, [redisKeys.log(fence.shard)], [firstKept]);
  }
}
