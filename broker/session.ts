import type { DeviceClass } from '../devices/device-class.js';
import { shardOf } from '../devices/site.js';
import type { Device } from '../devices/site.js';
import { publishedStreams, retainedStreams, topicPrefix } from '../devices/topic.js';
import { encodeAddress } from '../ingest/log/frame.js';
import { grantTopics, openRights } from './acl.js';
import type { Rights } from './acl.js';
import type { ClientCertificate } from './listeners/client-certificate.js';

/** A topic that the session may publish to, with what is needed for each message made once. */
export interface OwnTopic {
  readonly address: Buffer;
  readonly retained: boolean;
}

/** What a device was let in by; when that changes, it has to go. */
export interface DeviceGrounds {
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** The secret, by its kept hash, or the certificate. */
  readonly proof: { readonly secretHash: string } | ClientCertificate;
}

/** Topics of one session that are kept at hand; a device has five. */
const topicsAtHand = 16;

/** What the broker keeps of one authenticated connection. */
export class Session {
  /** Set when the client is a registered device. */
  readonly device: DeviceGrounds | undefined;
  /** MQTT client id; a device's is its id. */
  readonly client: string;
  readonly shard: number;
  readonly rights: Rights;
  /** The highest QoS granted to a subscription. */
  readonly maxQos: 1 | 2;
  /** Pipeline time of the last message, epoch ms. */
  lastSeenAt: number;
  /** Messages handed to the log and not yet answered. */
  inFlight = 0;
  readonly #topics = new Map<string, OwnTopic>();

  constructor(
    who: Pick<Session, 'device' | 'client' | 'shard' | 'rights' | 'maxQos'> & { readonly now: number },
  ) {
    this.device = who.device;
    this.client = who.client;
    this.shard = who.shard;
    this.rights = who.rights;
    this.maxQos = who.maxQos;
    this.lastSeenAt = who.now;
  }

  /** The topic, when it is one that the session may publish to. */
  ownTopic(topic: string): OwnTopic | undefined {
    const known = this.#topics.get(topic);
    if (known !== undefined || !this.rights.mayPublish(topic)) return known;
    const own = { address: encodeAddress(this.client, topic), retained: this.rights.mayRetain(topic) };
    if (this.#topics.size < topicsAtHand) this.#topics.set(topic, own);
    return own;
  }
}

/** @param start `now` is pipeline time, epoch ms */
export function openSession(
  device: Device,
  start: Pick<DeviceGrounds, 'proof'> & { readonly shards: number; readonly now: number },
): Session {
  const prefix = topicPrefix(device.site, device.deviceClass, device.id);
  const rights = grantTopics({
    publish: publishedStreams.map((stream) => prefix + stream),
    retain: [...retainedStreams].map((stream) => prefix + stream),
    subscribe: [`${prefix}cmd`],
  });
  return new Session({
    device: { site: device.site, deviceClass: device.deviceClass, proof: start.proof },
    client: device.id,
    shard: shardOf(device.site, start.shards),
    rights,
    maxQos: 1,
    now: start.now,
  });
}

/** A session for whoever comes: any client id, any topic. @param now pipeline time, epoch ms */
export function openTrialSession(client: string, shards: number, now: number): Session {
  return new Session({
    device: undefined,
    client,
    shard: shardOf(client, shards),
    rights: openRights,
    maxQos: 2,
    now,
  });
}
