import type { AccountKind } from '../devices/account.js';
import type { DeviceClass } from '../devices/device-class.js';
import { shardOf } from '../devices/site.js';
import type { Device } from '../devices/device.js';
import { publishedStreams, retainedStreams, topicPrefix } from '../devices/topic.js';
import type { DeviceTopic } from '../devices/topic.js';
import { encodeAddress } from '../ingest/log/frame.js';
import { grantTopics } from './acl.js';
import type { Rights } from './acl.js';
import type { ClientCertificate } from './listeners/client-certificate.js';

/** A topic that the session may publish to, with what is needed for each message made once. */
export interface OwnTopic {
  /** The device that the log says it is from, and the shard that it goes to. */
  readonly client: string;
  readonly shard: number;
  /** The result of `encodeAddress` for the two. */
  readonly address: Buffer;
  readonly retained: boolean;
  /** Where somebody else speaks for the device: whom the topic names, for the registry to confirm. */
  readonly spokenFor?: DeviceTopic | undefined;
}

type Publisher = Pick<OwnTopic, 'client' | 'shard' | 'spokenFor'>;

/** What a device was let in by; when that changes, it has to go. */
export interface DeviceGrounds {
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** The secret, by its kept hash, or the certificate. */
  readonly proof: { readonly secretHash: string } | ClientCertificate;
}

/** What somebody without credentials was let in by, to claim some. */
export interface ClaimGrounds {
  readonly tokenId: string;
  readonly site: string;
}

/** What an account was let in by. */
export interface AccountGrounds {
  readonly name: string;
  readonly kind: AccountKind;
  /** Ids, sorted. */
  readonly sites: readonly string[];
  readonly secretHash: string;
}

/** Topics of one session that are kept at hand; a device has five, a bridge those of all its devices. */
const topicsAtHand = { device: 16, account: 4096 } as const;

/** What the broker keeps of one authenticated connection. */
export class Session {
  /** Set when the client is a registered device. */
  readonly device: DeviceGrounds | undefined;
  /** Set when the client is here to claim credentials. */
  readonly claim: ClaimGrounds | undefined;
  /** Set when the client is no device but an operator or a bridge. */
  readonly account: AccountGrounds | undefined;
  /** Whom the log and people know it as; a device's is its id. */
  readonly client: string;
  /**
   * What MQTT knows it as: a device's is its id too, and nobody else's can be the same, so that nobody but the
   * device itself can take its connection over.
   */
  readonly mqttId: string;
  readonly shard: number;
  readonly rights: Rights;
  /** The highest QoS granted to a subscription. */
  readonly maxQos: 1 | 2;
  /** Pipeline time of the last packet, PINGREQ included, epoch ms. */
  lastSeenAt: number;
  /** Messages handed to the log and not yet answered. */
  inFlight = 0;
  readonly #topics = new Map<string, OwnTopic>();
  readonly #publisherOf: (topic: string) => Publisher;

  constructor(
    who: Pick<Session, 'client' | 'shard' | 'rights' | 'maxQos'> &
      Partial<Pick<Session, 'device' | 'claim' | 'account' | 'mqttId'>> & {
        readonly now: number;
        /** For whom it publishes. @defaultValue itself */
        readonly publisherOf?: (topic: string) => Publisher;
      },
  ) {
    this.device = who.device;
    this.claim = who.claim;
    this.account = who.account;
    this.client = who.client;
    this.mqttId = who.mqttId ?? who.client;
    this.#publisherOf = who.publisherOf ?? (() => this);
    this.shard = who.shard;
    this.rights = who.rights;
    this.maxQos = who.maxQos;
    this.lastSeenAt = who.now;
  }

  /** The topic, when it is one that the session may publish to. */
  ownTopic(topic: string): OwnTopic | undefined {
    const known = this.#topics.get(topic);
    if (known !== undefined || !this.rights.mayPublish(topic)) return known;
    const { client, shard, spokenFor } = this.#publisherOf(topic);
    const address = encodeAddress(client, topic);
    const own = { client, shard, address, retained: this.rights.mayRetain(topic), spokenFor };
    const limit = topicsAtHand[this.account === undefined ? 'device' : 'account'];
    if (this.#topics.size < limit) this.#topics.set(topic, own);
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

/** A session for whoever comes, under any client id. @param start `now` is pipeline time, epoch ms */
export function openTrialSession(
  client: string,
  rights: Rights,
  start: { readonly shards: number; readonly now: number },
): Session {
  return new Session({
    client,
    shard: shardOf(client, start.shards),
    rights,
    maxQos: 2,
    now: start.now,
  });
}

/** Who shares one pace: all clients of an account or a claim token do, whatever ids they give themselves. */
export function paceKeyOf({ account, claim, mqttId }: Session): string {
  if (account !== undefined) return `account/${account.name}`;
  return claim === undefined ? mqttId : `claim_token/${claim.tokenId}`;
}
