import type { DeviceClass } from './device-class.js';

/** A campus or a learning point. */
export interface Site {
  readonly id: string;
  /** District of the city, as a tag; `unassigned` until somebody says. */
  readonly district: string;
  readonly name?: string | undefined;
}

/** What the registry knows of a device. Device ids are unique in the city and are the MQTT client ids. */
export interface Device {
  readonly id: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  readonly room: string;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
}

/** A value for a tag that nobody has set yet: a tag is never missing, so series stay comparable. */
export const unassigned = 'unassigned';

/**
 * The shard of the reading log that a site's messages go to (FNV-1a). All of a site is in one shard, so that
 * rules over a whole site see one order.
 */
export function shardOf(site: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < site.length; i++) hash = Math.imul(hash ^ site.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards;
}
