import type { DeviceClass } from '../devices/device-class.js';
import type { Device } from '../devices/device.js';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

/** How a device stands in the registry, for a message that claims to be of this site and class. */
export type Standing = 'registered' | 'unregistered' | 'elsewhere';

type Known = Pick<Device, 'site' | 'deviceClass'> | 'unknown';

/** Unknown names come from outside: there could be any number. */
const mostKept = 100_000;

/** What a message says of its sender. */
export interface ClaimedDevice {
  readonly id: string;
  readonly deviceClass: DeviceClass;
}

/** Looks devices up in the registry and remembers the answers until it is told that they may have changed. */
export class RegisteredDevices {
  readonly #redis: Redis;
  readonly #known = new Map<string, Known>();
  /** Goes up with each change, so that an answer that was under way meanwhile is not kept. */
  #changes = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** To be told of all changes to the registry (RegistryFeed). */
  changed(changes: readonly RegistryChange[]): void {
    this.#changes++;
    for (const change of changes) {
      if (change.kind === 'everything') this.#known.clear();
      else if (change.kind === 'device') this.#known.delete(change.id);
    }
  }

  /** The answer where it is at hand; undefined: ask `standing`. */
  atHand(device: ClaimedDevice, site: string): Standing | undefined {
    const known = this.#known.get(device.id);
    return known && compare(known, device, site);
  }

  /** In the order of `devices`. @throws when Redis does not answer */
  async standing(devices: readonly ClaimedDevice[], site: string): Promise<readonly Standing[]> {
    const missing = devices.filter(({ id }) => !this.#known.has(id)).map(({ id }) => id);
    const answers = missing.length === 0 ? new Map<string, Known>() : await this.#ask(missing);
    return devices.map((device) =>
      compare(this.#known.get(device.id) ?? answers.get(device.id) ?? 'unknown', device, site),
    );
  }

  async #ask(ids: readonly string[]): Promise<Map<string, Known>> {
    const before = this.#changes;
    const rows = await this.#redis.hmget(redisKeys.devices, ...ids);
    const answers = new Map(
      ids.map((id, i): [string, Known] => {
        const json = rows[i];
        return [id, typeof json === 'string' ? (JSON.parse(json) as Device) : 'unknown'];
      }),
    );
    if (this.#changes !== before) return answers;
    if (this.#known.size > mostKept) this.#known.clear();
    for (const [id, known] of answers) this.#known.set(id, known);
    return answers;
  }
}

function compare(known: Known, { deviceClass }: ClaimedDevice, site: string): Standing {
  if (known === 'unknown') return 'unregistered';
  return known.site === site && known.deviceClass === deviceClass ? 'registered' : 'elsewhere';
}
