import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { decodeFrame } from './frame.js';
import { keptMs } from './log.js';
import type { LogEntry, LogReader, ShardFence } from './log.js';
import { runShardFenced } from './redis-shard-fence.js';

/** KEYS[2] log stream; ARGV[2] the first id to keep, ARGV[3] ms that are kept in any case. Returns how many entries went. */
const trimScript = `
local now = redis.call('TIME')
local settledMs = tonumber(string.match(ARGV[2], '^%d+'))
local youngMs = now[1] * 1000 + math.floor(now[2] / 1000) - ARGV[3]
local first = settledMs < youngMs and ARGV[2] or string.format('%.0f', youngMs)
return redis.call('XTRIM', KEYS[2], 'MINID', first)`;

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
    await runShardFenced(this.#redis, fence, trimScript, [redisKeys.log(fence.shard)], [firstKept, keptMs]);
  }
}
