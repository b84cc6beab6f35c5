import type { Logger } from '../../runtime/logger.js';
import { connectRedis } from '../../runtime/redis-connection.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { removeRunRecord, writeRunRecord } from './run-record.js';
import type { ProcessRecord, RunRecord } from './run-record.js';
import { SupervisedChild } from './supervised-child.js';
import type { ChildSpec } from './supervised-child.js';

/**
 * The children of the supervisor: on record in the data folder at every change (so that a killed
 * supervisor's children are found again), and in Redis for whoever can reach only that.
 */
export class ProcessTable {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #note: (line: string) => void;
  readonly #children: SupervisedChild[] = [];
  readonly #bounding: NodeJS.Timeout;
  #about: Omit<RunRecord, 'processes'>;
  #redis: Redis | undefined;

  constructor(
    folder: string,
    about: Omit<RunRecord, 'processes'>,
    log: Logger,
    note: (line: string) => void,
  ) {
    this.#folder = folder;
    this.#about = about;
    this.#log = log;
    this.#note = note;
    this.#bounding = setInterval(() => {
      for (const child of this.#children) child.boundLog();
    }, 30_000);
    this.#publish();
  }

  /** Adds a child; `start` it afterwards. */
  add(spec: ChildSpec): SupervisedChild {
    const child = new SupervisedChild(spec, (event) => {
      if (event !== undefined) {
        this.#log.warn({ child: spec.name }, event);
        this.#note(event);
      }
      this.#publish();
    });
    this.#children.push(child);
    return child;
  }

  /** Takes up the addresses of the databases, and tells Redis of the processes from now on. */
  storesAre(stores: Pick<RunRecord, 'redis' | 'influx'>): void {
    this.#about = { ...this.#about, ...stores };
    if (stores.redis !== undefined && this.#redis === undefined) {
      this.#redis = connectRedis(stores.redis, this.#log, {
        enableOfflineQueue: false,
        commandTimeout: 5000,
      });
      this.#redis.on('ready', () => this.#publish());
    }
    this.#publish();
  }

  get processes(): readonly ProcessRecord[] {
    return this.#children.flatMap(({ record }) => (record ? [record] : []));
  }

  killAll(): void {
    for (const child of this.#children) child.kill();
  }

  /** Nothing is told to Redis any more: it is about to be stopped. */
  leaveRedis(): void {
    this.#redis?.disconnect();
    this.#redis = undefined;
  }

  close(): void {
    clearInterval(this.#bounding);
    this.leaveRedis();
    removeRunRecord(this.#folder);
  }

  #publish(): void {
    writeRunRecord(this.#folder, { ...this.#about, processes: this.processes });
    const redis = this.#redis;
    if (redis?.status !== 'ready') return;
    const all = redis.multi().del(redisKeys.processes);
    for (const process of this.processes)
      all.hset(redisKeys.processes, process.role, JSON.stringify(process));
    // Redis may be the one that died: then this is done again when it is back.
    all.exec().catch(() => undefined);
  }
}
