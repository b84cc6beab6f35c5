import { setTimeout as sleep } from 'node:timers/promises';
import { MaintenancePlan } from '../../devices/maintenance.js';
import { listMaintenance } from '../../devices/redis-maintenance.js';
import type { RegistryChange } from '../../devices/redis-registry-changes.js';
import { RegistryFeed } from '../../devices/redis-registry-feed.js';
import { loadRegistry } from '../../devices/redis-registry-snapshot.js';
import { messageOf } from '../../runtime/app-error.js';
import type { Logger } from '../../runtime/logger.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { CityPlan } from './city-plan.js';
import type { InMaintenance } from './desk.js';

const kinds: ReadonlySet<RegistryChange['kind']> = new Set([
  'everything',
  'site',
  'room',
  'device',
  'maintenance',
]);
/** Many changes of the registry come one by one; reading it is worth it only once in a while. */
const pauseMs = 1000;

/** What hangs on what, and what is under maintenance, as new as the registry's feed. */
export class City {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #feed: RegistryFeed;
  #stopped = false;
  #due = false;
  #reading = false;
  plan: CityPlan;
  inMaintenance: InMaintenance;
  /** Goes up with every change. */
  version = 1;

  private constructor(redis: Redis, url: string, log: Logger, city: Awaited<ReturnType<typeof read>>) {
    this.#redis = redis;
    this.#log = log;
    ({ plan: this.plan, inMaintenance: this.inMaintenance } = city);
    this.#feed = new RegistryFeed(url, log, (changes) => {
      this.#due ||= changes.some(({ kind }) => kinds.has(kind));
      if (this.#due && !this.#reading) void this.#read();
    });
  }

  /** @throws when Redis does not answer */
  static async load(redis: Redis, url: string, log: Logger): Promise<City> {
    return new City(redis, url, log, await read(redis));
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#feed.stop();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#due && !this.#stopped) {
      this.#due = false;
      try {
        ({ plan: this.plan, inMaintenance: this.inMaintenance } = await read(this.#redis));
        this.version++;
      } catch (error) {
        this.#due = true;
        this.#log.debug(`the registry can not be read: ${messageOf(error)}`);
      }
      await sleep(pauseMs, undefined, { ref: false });
    }
    this.#reading = false;
  }
}

async function read(redis: Redis): Promise<{ plan: CityPlan; inMaintenance: InMaintenance }> {
  const [{ registry }, windows] = await Promise.all([loadRegistry(redis), listMaintenance(redis)]);
  const maintenance = new MaintenancePlan(windows);
  return {
    plan: new CityPlan(registry),
    inMaintenance: ({ site, room, device, group }, at) =>
      maintenance.covers(
        { site, room: group === undefined || group.kind === 'room' ? room : undefined, id: device ?? '' },
        at,
      ),
  };
}
