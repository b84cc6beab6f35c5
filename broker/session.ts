import type { DeviceClass } from '../devices/device-class.js';
import { shardOf } from '../devices/site.js';
import type { Device } from '../devices/site.js';
import { publishedStreams, retainedStreams, topicPrefix } from '../devices/topic.js';
import { encodeAddress } from '../ingest/log/frame.js';

/** What the broker keeps of one authenticated connection. */
export interface Session {
  readonly device: string;
  readonly deviceClass: DeviceClass;
  readonly site: string;
  readonly shard: number;
  /** The kept hash of the secret it was let in with; undefined: it was a certificate. */
  readonly secretHash: string | undefined;
  /** The topics it may publish to. */
  readonly topics: ReadonlyMap<string, OwnTopic>;
  /** The one topic it may subscribe to. */
  readonly commandTopic: string;
  /** Pipeline time of the last message, epoch ms. */
  lastSeenAt: number;
  /** Messages handed to the log and not yet answered. */
  inFlight: number;
}

/** A topic of the device, with what is needed for each message made once. */
export interface OwnTopic {
  readonly address: Buffer;
  readonly retained: boolean;
}

/** @param start `now` is pipeline time, epoch ms */
export function openSession(
  device: Device,
  start: { readonly shards: number; readonly now: number; readonly secretHash: string | undefined },
): Session {
  const prefix = topicPrefix(device.site, device.deviceClass, device.id);
  const topics = publishedStreams.map((stream): [string, OwnTopic] => {
    const topic = prefix + stream;
    return [topic, { address: encodeAddress(device.id, topic), retained: retainedStreams.has(stream) }];
  });
  return {
    device: device.id,
    deviceClass: device.deviceClass,
    site: device.site,
    shard: shardOf(device.site, start.shards),
    secretHash: start.secretHash,
    topics: new Map(topics),
    commandTopic: `${prefix}cmd`,
    lastSeenAt: start.now,
    inFlight: 0,
  };
}
