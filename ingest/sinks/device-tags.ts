import { unassigned } from '../../devices/site.js';
import type { DeviceTopic } from '../../devices/topic.js';

/** Where a device is, and the beginning of its lines in InfluxDB, ready made. */
export interface DeviceTags {
  readonly district: string;
  readonly room: string;
  /** Measurement and tags; a space and the fields follow. */
  readonly series: string;
  seriesOfPart(part: string): string;
  seriesOfEvent(type: string): string;
}

/** Makes the tags of a device from its topic and its place in the registry. */
export function createTags(topic: DeviceTopic, district: string, room: string): DeviceTags {
  const { deviceClass, device, site } = topic;
  const tags = (part: string) =>
    // Sorted by key: InfluxDB indexes them fastest that way.
    `,device=${escapeTag(device)},district=${escapeTag(district)}${part},room=${escapeTag(room)},site=${escapeTag(site)}`;
  return {
    district,
    room,
    series: `${deviceClass}${tags('')}`,
    seriesOfPart: (part) => `${deviceClass}${tags(`,part=${escapeTag(part)}`)}`,
    seriesOfEvent: (type) => `event,class=${deviceClass}${tags('')},type=${escapeTag(type)}`,
  };
}

/**
 * A tag value as line protocol can have it: never empty, or the line is refused. There is no escape for a
 * backslash, and one at the end would join the value to what follows, so it becomes a slash.
 */
export function escapeTag(text: string): string {
  const value = text
    .replaceAll('\\', '/')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return (value === '' ? unassigned : value).replace(/[,= ]/g, '\\$&');
}
