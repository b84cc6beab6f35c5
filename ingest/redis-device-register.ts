import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../devices/device.js';
import { RegistryFeed } from '../devices/redis-registry-feed.js';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import { parseParent } from '../devices/topology.js';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

const retryMs = 250;

/** A registered device, with what it hangs on taken apart once. */
export interface RegisteredDevice extends Device {
  readonly parentId: string | undefined;
}

/** All registered devices in memory, as new as the registry's feed. */
export class DeviceRegister {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #feed: RegistryFeed;
  #devices = new Map<string, RegisteredDevice>();
  /** What is to be read again; undefined: everything. */
  #due: Set<string> | undefined = new Set();
  #reading = false;
  #stopped = false;

  private constructor(redis: Redis, url: string, log: Logger) {
    this.#redis = redis;
    this.#log = log;
    this.#feed = new RegistryFeed(url, log, (changes) => this.#changed(changes));
  }

  /** @throws when Redis does not answer */
  static async load(redis: Redis, url: string, log: Logger): Promise<DeviceRegister> {
    const register = new DeviceRegister(redis, url, log);
    await register.#readAll();
    return register;
  }

  find(id: string): RegisteredDevice | undefined {
    return this.#devices.get(id);
  }

  all(): Iterable<RegisteredDevice> {
    return this.#devices.values();
  }

  /** Asks the registry itself, which may know of a device what its feed has not told yet. @throws when it doesn't answer */
  async ask(ids: readonly string[]): Promise<readonly (RegisteredDevice | undefined)[]> {
    const rows = await this.#redis.hmget(redisKeys.devices, ...ids);
    return ids.map((id, i) => {
      const json = rows[i];
      const device = typeof json === 'string' ? parseDevice(json) : undefined;
      if (device === undefined) this.#devices.delete(id);
      else this.#devices.set(id, device);
      return device;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#feed.stop();
  }

  #changed(changes: readonly RegistryChange[]): void {
    for (const change of changes) {
      if (change.kind === 'everything') this.#isDue(undefined);
      else if (change.kind === 'device') this.#isDue([change.id]);
    }
    if (this.#due?.size !== 0 && !this.#reading) void this.#read();
  }

  /** @param ids undefined: everything */
  #isDue(ids: Iterable<string> | undefined): void {
    if (ids === undefined) this.#due = undefined;
    else for (const id of ids) this.#due?.add(id);
  }

  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#due?.size !== 0 && !this.#stopped) {
      const due = this.#due;
      this.#due = new Set();
      try {
        if (due === undefined) await this.#readAll();
        else await this.ask([...due]);
      } catch (error) {
        this.#log.debug(`the registered devices can not be read: ${messageOf(error)}`);
        this.#isDue(due);
        await sleep(retryMs);
      }
    }
    this.#reading = false;
  }

  async #readAll(): Promise<void> {
    const rows = await this.#redis.hgetall(redisKeys.devices);
    this.#devices = new Map(Object.entries(rows).map(([id, json]) => [id, parseDevice(json)]));
  }
}

function parseDevice(json: string): RegisteredDevice {
  const device = JSON.parse(json) as Device;
  return { ...device, parentId: device.parent === undefined ? undefined : parseParent(device.parent).device };
}
