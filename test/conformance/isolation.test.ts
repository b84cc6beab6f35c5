import type { IPublishPacket } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantTopics } from '../../broker/acl.js';
import { RawClient } from '../support/raw-client.js';
import { seededRandom } from '../../simulators/city/seeded-random.js';
import { startTrialBroker } from '../support/trial-broker.js';
import type { TrialBroker } from '../support/trial-broker.js';

// Nobody hears what is not meant for him, whatever he subscribes to and however he comes and goes. The oracle
// knows nothing of acl.ts: filters are regular expressions there, and "within" is tried out topic by topic.
const random = seededRandom(2026);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const names = ['a', 'b', 'c'];
const allTopics = names.flatMap((x) => [
  x,
  ...names.flatMap((y) => [`${x}/${y}`, ...names.map((z) => `${x}/${y}/${z}`)]),
]);
// A name that no filter has stands for all others.
const strange = [...names, 'zz'];
const everyTopic = strange.flatMap((w) => [
  w,
  ...strange.flatMap((x) => [
    `${w}/${x}`,
    ...strange.flatMap((y) => [`${w}/${x}/${y}`, ...strange.map((z) => `${w}/${x}/${y}/${z}`)]),
  ]),
]);

function anyFilter(): string {
  const levels = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick([...names, '+']));
  if (random() < 0.3) levels.push('#');
  return levels.join('/');
}

const asRegExp = new Map<string, RegExp>();
function matches(filter: string, topic: string): boolean {
  let pattern = asRegExp.get(filter);
  if (pattern === undefined) {
    const source = filter.replace(/\/#$/, '(/.*)?').replace(/^#$/, '.*').replaceAll('+', '[^/]*');
    asRegExp.set(filter, (pattern = new RegExp(`^${source}$`)));
  }
  return pattern.test(topic);
}
const matchesAny = (filters: readonly string[], topic: string) =>
  filters.some((filter) => matches(filter, topic));
const isWithin = (filter: string, allowed: readonly string[]) =>
  everyTopic.every((topic) => !matches(filter, topic) || matchesAny(allowed, topic));

const identities = Array.from({ length: 20 }, (_, i) => ({
  id: `identity-${i}`,
  publish: Array.from({ length: 2 }, anyFilter),
  retain: Array.from({ length: 2 }, anyFilter),
  subscribe: Array.from({ length: 3 }, anyFilter),
}));
const everything = grantTopics({ publish: ['#'], retain: ['#'], subscribe: ['#'] });
let broker: TrialBroker;

beforeAll(async () => {
  broker = await startTrialBroker({
    open: true,
    rightsOf: (client) => {
      const identity = identities.find(({ id }) => id === client);
      return identity === undefined ? everything : grantTopics(identity);
    },
  });
});
afterAll(async () => {
  await broker.stop();
});

test('of 12,000 combinations of identity, filter and topic each message comes exactly where it may', async () => {
  const authority = await RawClient.connect(broker.port, { clientId: 'authority' });
  const granted = new Map(identities.map(({ id }) => [id, new Set<string>()]));
  const wasClean = new Set<string>();
  let combinations = 0;
  let delivered = 0;
  for (let round = 0; round < 6; round++) {
    const clients = new Map<string, RawClient>();
    for (const { id, subscribe } of identities) {
      const clean = random() < 0.4;
      const will = {
        topic: pick(allTopics),
        payload: Buffer.from(`will ${id}`),
        qos: 1 as const,
        retain: true,
      };
      // Half of them are taken over by a second connection at once.
      if (random() < 0.5) await RawClient.connect(broker.port, { clientId: id, clean, will });
      const client = await RawClient.connect(broker.port, { clientId: id, clean, will });
      const mine = granted.get(id) ?? new Set();
      // A clean session ends with its connection.
      if (clean || wasClean.has(id)) mine.clear();
      if (clean) wasClean.add(id);
      else wasClean.delete(id);
      const wanted = [...Array.from({ length: 4 }, anyFilter), pick(['#', '$SYS/#', '$share/g/a', '+/#'])];
      const codes = await client.subscribe(...wanted.map((filter) => [filter, 1] as const));
      wanted.forEach((filter, i) => {
        const may = !filter.startsWith('$') && isWithin(filter, subscribe);
        expect(codes[i], `${id} may hear ${subscribe.join(' ')} and asks for ${filter}`).toBe(may ? 1 : 128);
        if (may) mine.add(filter);
      });
      clients.set(id, client);
    }
    // What was retained or waited has come; all of it was allowed.
    const check = (id: string, messages: readonly IPublishPacket[]) => {
      const { subscribe } = identities.find((identity) => identity.id === id) ?? { subscribe: [] };
      for (const { topic, payload } of messages) {
        expect(matchesAny(subscribe, topic), `${id} heard ${topic}`).toBe(true);
        const from = identities.find((identity) => payload.toString().endsWith(` ${identity.id}`));
        if (from !== undefined)
          expect(matchesAny(from.publish, topic), `${from.id} was heard in ${topic}`).toBe(true);
      }
      return messages;
    };
    const hear = async (id: string, client: RawClient) => {
      const messages = check(id, await client.messages());
      client.send(...messages.map(({ messageId = 0 }) => ({ cmd: 'puback' as const, messageId })));
      return messages;
    };
    for (const [id, client] of clients) while ((await hear(id, client)).length > 0);
    const topics = Array.from({ length: 20 }, () => pick(allTopics));
    for (const [i, topic] of topics.entries())
      await authority.publish(topic, `${round}-${i}`, 1, random() < 0.2);
    for (const [id, client] of clients) {
      const mine = [...(granted.get(id) ?? [])];
      const expected = topics.flatMap((topic, i) => (matchesAny(mine, topic) ? [`${round}-${i}`] : []));
      const heard = (await hear(id, client)).map(({ payload }) => payload.toString());
      expect(
        heard.filter((payload) => /^\d+-\d+$/.test(payload)),
        id,
      ).toEqual(expected);
      combinations += 5 * topics.length;
      delivered += heard.length;
    }
    // They publish where they may and where they may not; then some go with a Will and some without.
    for (const [id, client] of clients) await client.publish(pick(allTopics), `said ${id}`, 1, true);
    for (const [id, client] of clients) {
      await hear(id, client);
      if (random() < 0.5) client.destroy();
      else await client.disconnect();
    }
  }
  expect(combinations).toBeGreaterThanOrEqual(12_000);
  expect(delivered).toBeGreaterThan(100);
  authority.destroy();
});
