import { isFinished } from '../devices/command.js';
import type { CommandEvent } from '../devices/command.js';
import { dueCommands, findCommand } from '../devices/redis-command-list.js';
import { changeCommand } from '../devices/redis-commands.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { ShardCommands } from './command-settlement.js';
import type { IngestMetrics } from './ingest-metrics.js';

/** The commands of a shard's devices as they are kept in Redis. */
export class RedisShardCommands implements ShardCommands {
  readonly #redis: Redis;
  readonly #shard: number;
  readonly #metrics: IngestMetrics;

  constructor(redis: Redis, shard: number, metrics: IngestMetrics) {
    this.#redis = redis;
    this.#shard = shard;
    this.#metrics = metrics;
  }

  open() {
    return dueCommands(this.#redis, this.#shard);
  }

  due(at: number) {
    return dueCommands(this.#redis, this.#shard, at);
  }

  find(id: string) {
    return findCommand(this.#redis, id);
  }

  async change(id: string, event: CommandEvent) {
    const outcome = await changeCommand(this.#redis, id, event);
    if (outcome?.changed === true && isFinished(outcome.command))
      this.#metrics.commands.inc({ state: outcome.command.state });
    return outcome?.command;
  }
}
