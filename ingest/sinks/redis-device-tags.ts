import { unassigned } from '../../devices/site.js';
import type { Device } from '../../devices/device.js';
import type { Site } from '../../devices/site.js';
import type { DeviceTopic } from '../../devices/topic.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { createTags } from './device-tags.js';
import type { DeviceTags } from './device-tags.js';

/** Looks devices up in the registry and remembers them until the registry changes. */
export class DeviceTagBook {
  readonly #redis: Redis;
  #tags = new Map<string, DeviceTags>();
  /** Those of them that are not registered. */
  #strangers = new Set<string>();
  #version = '';

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The tags of a device that `ensure` was asked for. */
  get(topic: DeviceTopic): DeviceTags {
    return this.#tags.get(topic.device) ?? createTags(topic, unassigned, unassigned);
  }

  /** Whether a device that `ensure` was asked for is registered. */
  isRegistered(device: string): boolean {
    return !this.#strangers.has(device);
  }

  /** Makes `get` know these devices; a device that isn't registered gets the tag value `unassigned`. */
  async ensure(topics: Iterable<DeviceTopic>): Promise<void> {
    await this.#forgetIfChanged();
    const missing = new Map<string, DeviceTopic>();
    for (const topic of topics) if (!this.#tags.has(topic.device)) missing.set(topic.device, topic);
    if (missing.size === 0) return;
    const sites = [...new Set([...missing.values()].map((topic) => topic.site))];
    const [deviceRows, siteRows] = await Promise.all([
      this.#redis.hmget(redisKeys.devices, ...missing.keys()),
      this.#redis.hmget(redisKeys.sites, ...sites),
    ]);
    const districts = new Map(
      siteRows.map((json, i) => [sites[i], json === null ? unassigned : (JSON.parse(json) as Site).district]),
    );
    [...missing.values()].forEach((topic, i) => {
      const json = deviceRows[i];
      if (typeof json !== 'string') this.#strangers.add(topic.device);
      const room = typeof json === 'string' ? (JSON.parse(json) as Device).room : unassigned;
      this.#tags.set(topic.device, createTags(topic, districts.get(topic.site) ?? unassigned, room));
    });
  }

  async #forgetIfChanged(): Promise<void> {
    const version = (await this.#redis.get(redisKeys.registryVersion)) ?? '';
    if (version !== this.#version) {
      this.#tags = new Map();
      this.#strangers = new Set();
    }
    this.#version = version;
  }
}
