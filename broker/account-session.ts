import { usernameOf } from '../devices/account.js';
import type { AccountKind } from '../devices/account.js';
import { shardOf } from '../devices/site.js';
import { parseTopic, publishedStreams, retainedStreams } from '../devices/topic.js';
import { filterWithin } from './acl.js';
import type { Rights } from './acl.js';
import { Session } from './session.js';
import type { AccountGrounds } from './session.js';

/** What operators may hear: not what devices claim their credentials with, nor what is for devices. */
const heardStreams: ReadonlySet<string> = new Set(publishedStreams);

/** @param start `now` is pipeline time, epoch ms; `clientId` is the one its client chose */
export function openAccountSession(
  account: AccountGrounds,
  start: { readonly clientId: string; readonly shards: number; readonly now: number },
): Session {
  const client = usernameOf(account.name);
  const shardFor = (site: string) => shardOf(site, start.shards);
  return new Session({
    account,
    client,
    mqttId: `${client}/${start.clientId}`,
    shard: shardFor(account.sites[0] ?? client),
    rights: rightsOf(account.kind, account.sites),
    maxQos: 1,
    now: start.now,
    publisherOf: (topic) => {
      const parsed = parseTopic(topic);
      if ('wrong' in parsed)
        throw new Error(`asked for the publisher of "${topic}", which no account may publish`);
      return { client: parsed.device, shard: shardFor(parsed.site), spokenFor: parsed };
    },
  });
}

/**
 * What an account may do with the topics of its sites. An operator hears what devices say but claims, and says
 * nothing itself. A bridge speaks for devices and hears their commands.
 */
export function rightsOf(kind: AccountKind, siteIds: readonly string[]): Rights {
  const sites = new Set(siteIds);
  const own = (topic: string, streams: ReadonlySet<string>) => {
    const levels = topic.split('/');
    const [root, version, site = '', , , stream = ''] = levels;
    return (
      root === 'campus' && version === 'v1' && levels.length === 6 && sites.has(site) && streams.has(stream)
    );
  };
  if (kind === 'operator') {
    // A filter of a whole site is granted for convenience; each message is checked for its stream.
    const allowed = siteIds.map((site) => `campus/v1/${site}/#`);
    return {
      mayPublish: () => false,
      mayRetain: () => false,
      maySubscribe: (filter) => filterWithin(filter, allowed),
      mayReceive: (topic) => own(topic, heardStreams),
    };
  }
  const allowed = siteIds.map((site) => `campus/v1/${site}/+/+/cmd`);
  const commands = new Set(['cmd']);
  return {
    mayPublish: (topic) => {
      const parsed = parseTopic(topic);
      return !('wrong' in parsed) && sites.has(parsed.site);
    },
    mayRetain: (topic) => own(topic, retainedStreams),
    maySubscribe: (filter) => filterWithin(filter, allowed),
    mayReceive: (topic) => own(topic, commands),
  };
}
