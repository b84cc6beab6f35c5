import { claimedStream, claimStream } from '../devices/claim.js';
import type { ClaimToken } from '../devices/claim.js';
import { deviceClasses, isDeviceClass } from '../devices/device-class.js';
import type { DeviceClass } from '../devices/device-class.js';
import { shardOf } from '../devices/site.js';
import { publishedStreams, topicPrefix } from '../devices/topic.js';
import { grantTopics } from './acl.js';
import { Session } from './session.js';

/**
 * The session of somebody who has a site's claim token and says to be this device. Under its topics to be it
 * may publish, for the quarantine; it may hear nothing but the answer to its claim.
 * @param start `now` is pipeline time, epoch ms
 */
export function openClaimSession(
  device: string,
  token: ClaimToken,
  start: { readonly shards: number; readonly now: number },
): Session {
  const prefixes = deviceClasses.map((deviceClass) => topicPrefix(token.site, deviceClass, device));
  return new Session({
    claim: { tokenId: token.id, site: token.site },
    client: device,
    mqttId: `claim/${device}`,
    shard: shardOf(token.site, start.shards),
    rights: grantTopics({
      publish: prefixes.flatMap((prefix) => publishedStreams.map((stream) => prefix + stream)),
      subscribe: prefixes.map((prefix) => prefix + claimedStream),
    }),
    maxQos: 1,
    now: start.now,
  });
}

/** The class that is claimed for, and the topic of the answer, when the topic is the session's claim. */
export function claimTopicOf(
  { claim, client }: Session,
  topic: string,
): { readonly deviceClass: DeviceClass; readonly answerTopic: string } | undefined {
  if (claim === undefined) return undefined;
  const deviceClass = topic.split('/')[3] ?? '';
  if (!isDeviceClass(deviceClass)) return undefined;
  const prefix = topicPrefix(claim.site, deviceClass, client);
  return topic === prefix + claimStream ? { deviceClass, answerTopic: prefix + claimedStream } : undefined;
}
