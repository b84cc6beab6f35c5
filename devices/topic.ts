import type { DeviceClass } from './device-class.js';
import { isDeviceClass } from './device-class.js';

/** What a device publishes; `cmd`, the one stream towards it, is not among them. */
export const publishedStreams = ['telemetry', 'state', 'meta', 'event', 'ack'] as const;
export type PublishedStream = (typeof publishedStreams)[number];

/** Streams whose last message the broker keeps for new subscribers (DESIGN: Topics and payloads). */
export const retainedStreams: ReadonlySet<string> = new Set(['state', 'meta']);

export interface DeviceTopic {
  readonly site: string;
  readonly deviceClass: DeviceClass;
  readonly device: string;
  readonly stream: PublishedStream;
}

/** An id is one topic level that is also safe in file names, tags and URLs. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `campus/v1/{site}/{class}/{device}/`: the prefix of everything a device publishes and receives. */
export function topicPrefix(site: string, deviceClass: DeviceClass, device: string): string {
  return `campus/v1/${site}/${deviceClass}/${device}/`;
}

/** Takes a topic of ours apart, or says in a few words why it isn't one. */
export function parseTopic(topic: string): DeviceTopic | { readonly wrong: string } {
  const levels = topic.split('/');
  const [root, version, site, deviceClass, device, stream] = levels;
  if (root !== 'campus' || version !== 'v1') return { wrong: 'the topic does not start with campus/v1/' };
  if (levels.length !== 6) return { wrong: `the topic has ${levels.length} levels instead of 6` };
  if (site === undefined || !idPattern.test(site)) return { wrong: `"${site}" is no site id` };
  if (deviceClass === undefined || !isDeviceClass(deviceClass)) {
    return { wrong: `"${deviceClass}" is no device class (sensor, whiteboard, ap, gateway)` };
  }
  if (device === undefined || !idPattern.test(device)) return { wrong: `"${device}" is no device id` };
  if (!isPublishedStream(stream)) {
    return { wrong: `"${stream}" is no stream a device publishes (${publishedStreams.join(', ')})` };
  }
  return { site, deviceClass, device, stream };
}

function isPublishedStream(text: string | undefined): text is PublishedStream {
  return (publishedStreams as readonly (string | undefined)[]).includes(text);
}
