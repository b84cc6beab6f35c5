import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../devices/device.js';
import type { MaintenanceWindow } from '../devices/maintenance.js';
import { listMaintenance } from '../devices/redis-maintenance.js';
import { readRemovals } from '../devices/redis-registry.js';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import type { Room } from '../devices/room.js';
import { roomKey } from '../devices/room.js';
import type { Site } from '../devices/site.js';
import type { Timetable } from '../devices/timetable.js';
import { placeOf } from '../rules/device-ref.js';
import type { DevicePlace } from '../rules/device-ref.js';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

const retryMs = 250;
const placeKinds: ReadonlySet<RegistryChange['kind']> = new Set(['site', 'room', 'timetable', 'maintenance']);

/** A registered device, with what it hangs on taken apart once, and what rules can know of its place. */
export interface RegisteredDevice extends Device {
  readonly parentId: string | undefined;
  /** How often the id was removed or moved before: with another number it is another device. */
  readonly removals: number;
  readonly place: DevicePlace;
}

/** All that is registered in memory, as new as the registry's feed, which it has to be told of. */
export class Register {
  readonly #redis: Redis;
  readonly #log: Logger;
  #devices = new Map<string, RegisteredDevice>();
  #sites = new Map<string, Site>();
  #rooms = new Map<string, Room>();
  #timetables = new Map<string, Timetable>();
  #windows: readonly MaintenanceWindow[] = [];
  /** Devices to be read again; undefined: everything. */
  #due: Set<string> | undefined = new Set();
  /** Sites, rooms, timetables or maintenance are to be read again. */
  #placesDue = false;
  /** Goes up whenever anything was read again. */
  changes = 0;
  #reading = false;
  #stopped = false;

  private constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
  }

  /** @throws when Redis does not answer */
  static async load(redis: Redis, log: Logger): Promise<Register> {
    const register = new Register(redis, log);
    await register.#readAll();
    return register;
  }

  find(id: string): RegisteredDevice | undefined {
    return this.#devices.get(id);
  }

  all(): Iterable<RegisteredDevice> {
    return this.#devices.values();
  }

  site(id: string): Site | undefined {
    return this.#sites.get(id);
  }

  /** Undefined where the site has none. */
  timetable(site: string): Timetable | undefined {
    return this.#timetables.get(site);
  }

  timetables(): Iterable<readonly [site: string, timetable: Timetable]> {
    return this.#timetables;
  }

  /** All announced maintenance that is remembered. */
  get windows(): readonly MaintenanceWindow[] {
    return this.#windows;
  }

  /** Asks the registry itself, which may know of a device what its feed has not told yet. @throws when it doesn't answer */
  async ask(ids: readonly string[]): Promise<readonly (RegisteredDevice | undefined)[]> {
    const [rows, removals] = await Promise.all([
      this.#redis.hmget(redisKeys.devices, ...ids),
      readRemovals(this.#redis, ids),
    ]);
    this.changes++;
    return ids.map((id, i) => {
      const json = rows[i];
      const device =
        typeof json === 'string' ? this.#place(JSON.parse(json) as Device, removals[i] ?? 0) : undefined;
      if (device === undefined) this.#devices.delete(id);
      else this.#devices.set(id, device);
      return device;
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** To be told of all changes that the registry's feed tells of. */
  changed(changes: readonly RegistryChange[]): void {
    for (const change of changes) {
      if (change.kind === 'everything') this.#isDue(undefined);
      else if (change.kind === 'device') this.#isDue([change.id]);
      else if (placeKinds.has(change.kind)) this.#placesDue = true;
    }
    if (this.#isBehind() && !this.#reading) void this.#read();
  }

  /** @param ids undefined: everything */
  #isDue(ids: Iterable<string> | undefined): void {
    if (ids === undefined) this.#due = undefined;
    else for (const id of ids) this.#due?.add(id);
  }

  #isBehind(): boolean {
    return this.#due?.size !== 0 || this.#placesDue;
  }

  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#isBehind() && !this.#stopped) {
      const due = this.#due;
      const placesDue = this.#placesDue;
      this.#due = new Set();
      this.#placesDue = false;
      try {
        if (due === undefined) await this.#readAll();
        else {
          if (placesDue) await this.#readPlaces();
          if (due.size > 0) await this.ask([...due]);
        }
      } catch (error) {
        this.#log.debug(`the registry can not be read: ${messageOf(error)}`);
        this.#isDue(due);
        this.#placesDue ||= placesDue;
        await sleep(retryMs);
      }
    }
    this.#reading = false;
  }

  async #readAll(): Promise<void> {
    const [devices, removals] = await Promise.all([
      this.#readHash<Device>(redisKeys.devices),
      this.#readHash<number>(redisKeys.removals),
    ]);
    await this.#readPlaces();
    this.changes++;
    this.#devices = new Map(
      [...devices].map(([id, device]) => [id, this.#place(device, removals.get(id) ?? 0)]),
    );
  }

  async #readPlaces(): Promise<void> {
    [this.#sites, this.#rooms, this.#timetables] = await Promise.all([
      this.#readHash<Site>(redisKeys.sites),
      this.#readHash<Room>(redisKeys.rooms),
      this.#readHash<Timetable>(redisKeys.timetables),
    ]);
    this.#windows = await listMaintenance(this.#redis);
    this.changes++;
    for (const [id, device] of this.#devices) this.#devices.set(id, this.#place(device, device.removals));
  }

  async #readHash<Item>(key: string): Promise<Map<string, Item>> {
    const rows = await this.#redis.hgetall(key);
    return new Map(Object.entries(rows).map(([id, json]) => [id, JSON.parse(json) as Item]));
  }

  #place(device: Device, removals: number): RegisteredDevice {
    const room = this.#rooms.get(roomKey(device.site, device.room));
    const place = placeOf(device, room, this.#sites.get(device.site));
    const placed = { ...device, parentId: place.parentId, removals, place };
    const before = this.#devices.get(device.id);
    // What is the same stays the same object: another one makes everybody look at the device anew.
    return before !== undefined && isSame(before, placed) ? before : placed;
  }
}

function isSame(a: RegisteredDevice, b: RegisteredDevice): boolean {
  return isEqual({ ...a, place: undefined }, { ...b, place: undefined }) && isEqual(a.place, b.place);
}

/** Compares field by field, and no deeper. */
function isEqual<Fields extends object>(a: Fields, b: Fields): boolean {
  const names = Object.keys({ ...a, ...b }) as (keyof Fields)[];
  return names.every((name) => a[name] === b[name]);
}
