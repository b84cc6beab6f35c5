import type { DeviceClass } from './device-class.js';

/** Seconds between two reports of a device at most: one that reports more rarely would never be missed. */
export const longestIntervalS = 86_400;

/** What the registry knows of a device. Device ids are unique in the city and are the MQTT client ids. */
export interface Device {
  readonly id: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** A room of the site, or `unassigned`. */
  readonly room: string;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
  /** What it is reached through: a device's id, or `gateway-id#port`; without one it hangs on the site itself. */
  readonly parent?: string | undefined;
  /** Seconds between two of its reports, where it is known beforehand. */
  readonly intervalS?: number | undefined;
}
