import { MaintenancePlan } from '../devices/maintenance.js';
import type { MaintenanceWindow } from '../devices/maintenance.js';
import type { Timetable } from '../devices/timetable.js';
import type { Register, RegisteredDevice } from './redis-register.js';

const devicePrefix = 'd/';
const timetablePrefix = 't/';
const maintenanceKey = 'm';

/**
 * What one judge goes by of the registry, timetables and announced maintenance. It is adopted at a moment that the
 * checkpoint names and kept in it: what is judged again after a crash is judged by the same, whatever was changed
 * meanwhile. Other judgements might not find an alarm that was told of already, and nobody would ever clear it.
 */
export class PinnedRegistry {
  readonly #devices = new Map<string, RegisteredDevice>();
  readonly #timetables = new Map<string, Timetable>();
  #maintenance = new MaintenancePlan([]);
  /** As last saved, or to be saved: JSON by key, but for devices. */
  readonly #texts = new Map<string, string>();
  #changes = new Map<string, string | undefined>();

  /** @param saved what `takeChanges` gave out so far */
  constructor(saved: ReadonlyMap<string, string>) {
    for (const [key, json] of saved) {
      const id = key.slice(2);
      if (key.startsWith(devicePrefix)) this.#devices.set(id, JSON.parse(json) as RegisteredDevice);
      else this.#texts.set(key, json);
      if (key.startsWith(timetablePrefix)) this.#timetables.set(id, JSON.parse(json) as Timetable);
      else if (key === maintenanceKey)
        this.#maintenance = new MaintenancePlan(JSON.parse(json) as MaintenanceWindow[]);
    }
  }

  find(id: string): RegisteredDevice | undefined {
    return this.#devices.get(id);
  }

  /** Undefined where the site has none. */
  timetable(site: string): Timetable | undefined {
    return this.#timetables.get(site);
  }

  get maintenance(): MaintenancePlan {
    return this.#maintenance;
  }

  /**
   * Goes by what the registry says now.
   * @param isOurs whether a site is in the shard
   * @returns whether that is anything else than before: if so it has to be saved before anything is judged by it
   */
  adopt(register: Register, isOurs: (site: string) => boolean): boolean {
    for (const id of this.#devices.keys()) {
      const now = register.find(id);
      if (now !== undefined && isOurs(now.site)) continue;
      this.#devices.delete(id);
      this.#changes.set(devicePrefix + id, undefined);
    }
    for (const device of register.all()) {
      const before = this.#devices.get(device.id);
      if (before === device || !isOurs(device.site)) continue;
      this.#devices.set(device.id, device);
      const json = JSON.stringify(device);
      if (JSON.stringify(before) !== json) this.#changes.set(devicePrefix + device.id, json);
    }
    this.#adoptTimetables(register, isOurs);
    const windows = register.windows.filter(({ site }) => isOurs(site));
    if (this.#isOther(maintenanceKey, windows)) this.#maintenance = new MaintenancePlan(windows);
    return this.#changes.size > 0;
  }

  /** What differs since the last call, as JSON, undefined where it is no more. */
  takeChanges(): ReadonlyMap<string, string | undefined> {
    const taken = this.#changes;
    this.#changes = new Map();
    return taken;
  }

  #adoptTimetables(register: Register, isOurs: (site: string) => boolean): void {
    for (const site of this.#timetables.keys()) {
      if (register.timetable(site) !== undefined) continue;
      this.#timetables.delete(site);
      this.#texts.delete(timetablePrefix + site);
      this.#changes.set(timetablePrefix + site, undefined);
    }
    for (const [site, timetable] of register.timetables()) {
      if (isOurs(site) && this.#isOther(timetablePrefix + site, timetable))
        this.#timetables.set(site, timetable);
    }
  }

  #isOther(key: string, value: unknown): boolean {
    const json = JSON.stringify(value);
    if (this.#texts.get(key) === json) return false;
    this.#texts.set(key, json);
    this.#changes.set(key, json);
    return true;
  }
}
