import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { IPublishPacket } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAccount } from '../../devices/redis-accounts.js';
import { issueClaimToken } from '../../devices/redis-claims.js';
import { issueCommand } from '../../devices/redis-commands.js';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { seededRandom } from '../../simulators/city/seeded-random.js';
import { eventually } from '../support/eventually.js';
import { RawClient } from '../support/raw-client.js';
import { startTrialBroker } from '../support/trial-broker.js';
import type { TrialBroker } from '../support/trial-broker.js';

// Real sessions of everybody who may connect, at three sites. Who may hear and say what is written down here once
// more, as regular expressions, and knows nothing of the broker's own.
interface Identity {
  readonly name: string;
  readonly login: { readonly clientId: string; readonly username: string; readonly password: Buffer };
  readonly hears: RegExp;
  /** What others may hear of it. */
  readonly says: RegExp;
  /** A filter that is surely granted. */
  readonly useful: string;
}

const random = seededRandom(2027);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const sites = ['s1', 's2', 's3'];
const classes = ['sensor', 'whiteboard', 'ap', 'gateway'] as const;
const streams = ['telemetry', 'state', 'meta', 'event', 'ack'];
const devices = sites.flatMap((site) =>
  classes.map((deviceClass) => ({ site, deviceClass, id: `${site}-${deviceClass}` })),
);
const prefixes = devices.map(({ site, deviceClass, id }) => `campus/v1/${site}/${deviceClass}/${id}/`);
const ownTopics = prefixes.flatMap((prefix) => streams.map((stream) => prefix + stream));
const strange = sites.flatMap((site) => [
  `campus/v1/${site}`,
  `campus/v1/${site}/sensor/new-${site}/claimed`,
  `campus/v1/${site}/ap/nobody/state`,
]);
const everyTopic = [...ownTopics, ...prefixes.map((prefix) => `${prefix}cmd`), ...strange];

let broker: TrialBroker;
let redis: Redis;
const identities: Identity[] = [];

beforeAll(async () => {
  broker = await startTrialBroker({});
  redis = new Redis(broker.redis.url);
  const anyOf = (of: readonly string[]) => `(${of.join('|')})`;
  for (const { site, deviceClass, id } of devices) {
    const { clientId, username, password, topicPrefix } = await issueCredentials(redis, {
      site,
      deviceClass,
      device: id,
    });
    identities.push({
      name: id,
      login: { clientId, username, password: Buffer.from(password) },
      hears: new RegExp(`^${topicPrefix}cmd$`),
      says: new RegExp(`^${topicPrefix}${anyOf(streams)}$`),
      useful: `${topicPrefix}cmd`,
    });
  }
  for (const own of [...sites.map((site) => [site]), ['s1', 's2']]) {
    for (const kind of ['operator', 'bridge'] as const) {
      const name = `${kind}-${own.join('-')}`;
      const { username, password } = await addAccount(redis, { name, kind, sites: own, districts: [] });
      const of = prefixes.filter((prefix) => own.some((site) => prefix.includes(`/${site}/`)));
      identities.push({
        name,
        login: { clientId: name, username, password: Buffer.from(password) },
        hears: new RegExp(
          `^campus/v1/${anyOf(own)}/[^/]+/[^/]+/${kind === 'operator' ? anyOf([...streams, 'cmd']) : 'cmd'}$`,
        ),
        says: kind === 'operator' ? /^$/ : new RegExp(`^${anyOf(of)}${anyOf(streams)}$`),
        useful: kind === 'operator' ? `campus/v1/${own[0] ?? ''}/#` : `campus/v1/${own[0] ?? ''}/+/+/cmd`,
      });
    }
  }
  for (const site of sites) {
    const { text } = await issueClaimToken(redis, { site, validMs: 3_600_000, uses: 10 });
    const id = `new-${site}`;
    identities.push({
      name: id,
      login: { clientId: id, username: id, password: Buffer.from(text) },
      hears: new RegExp(`^campus/v1/${site}/${anyOf(classes)}/${id}/claimed$`),
      says: /^$/,
      useful: `campus/v1/${site}/sensor/${id}/claimed`,
    });
  }
});
afterAll(async () => {
  redis.disconnect();
  await broker.stop();
});

function anyFilter(): string {
  if (random() < 0.15)
    return pick(['#', '+/#', 'campus/#', '$SYS/#', '$share/g/campus/v1/s1/#', 'campus/v1/+/+/+/cmd']);
  const levels = pick(everyTopic)
    .split('/')
    .map((level) => (random() < 0.3 ? '+' : level));
  if (random() < 0.2) return [...levels.slice(0, 2 + Math.floor(random() * 4)), '#'].join('/');
  return levels.join('/');
}
const matches = (filter: string, topic: string) =>
  new RegExp(`^${filter.replace(/\/#$/, '(/.*)?').replaceAll('+', '[^/]*').replaceAll('$', '\\$')}$`).test(
    topic,
  );

/** One identity's connection, and all that it was granted. */
interface Seat {
  readonly identity: Identity;
  readonly client: RawClient;
  readonly granted: readonly string[];
  readonly heard: Set<string>;
}

/** Takes what has come, and says that each message of it was for this ear, by somebody who may say it. */
async function hear({ identity, client, granted, heard }: Seat): Promise<readonly IPublishPacket[]> {
  const messages = await client.messages();
  for (const { topic, payload } of messages) {
    expect(identity.hears.test(topic), `${identity.name} heard ${topic}`).toBe(true);
    expect(
      granted.some((filter) => matches(filter, topic)),
      `${identity.name} did not ask for ${topic}`,
    ).toBe(true);
    if (/\/(cmd|claimed)$/.test(topic)) continue;
    const { by } = JSON.parse(payload.toString()) as { by: string };
    const speaker = identities.find(({ name }) => name === by);
    expect(speaker?.says.test(topic), `${by} was heard in ${topic}`).toBe(true);
    heard.add(payload.toString());
  }
  const acks = messages.filter(({ qos }) => qos === 1);
  if (acks.length > 0)
    client.send(...acks.map(({ messageId = 0 }) => ({ cmd: 'puback' as const, messageId })));
  return messages;
}

async function takeSeat(identity: Identity): Promise<Seat> {
  const { login } = identity;
  const will = {
    topic: pick(everyTopic),
    payload: Buffer.from(`{"by":"${identity.name}"}`),
    qos: 1 as const,
    retain: random() < 0.5,
  };
  const come = () => RawClient.connect(broker.port, { ...login, clean: random() < 0.5, will });
  // Half of them are taken over at once: by themselves, with another Will.
  if (random() < 0.5) {
    const before = await come();
    await before.subscribe([identity.useful, 1]);
  }
  const client = await come();
  const wanted = [identity.useful, ...Array.from({ length: 5 }, anyFilter)];
  const codes = await client.subscribe(...wanted.map((filter) => [filter, 1] as const));
  const granted = wanted.filter((_, i) => codes[i] !== 128);
  expect(granted, `${identity.name} may hear ${identity.useful}`).toContain(identity.useful);
  return { identity, client, granted, heard: new Set() };
}

test('of three sites’ devices, operators, bridges and claims nobody hears what is not meant for him', async () => {
  let combinations = 0;
  let delivered = 0;
  for (let round = 0; round < 2; round++) {
    const seats: Seat[] = [];
    for (const identity of identities) seats.push(await takeSeat(identity));
    let said = 0;
    const say = async ({ identity, client }: Seat, topic: string, retain = random() < 0.3) => {
      await client.publish(
        topic,
        JSON.stringify({ by: identity.name, n: `${round}/${said++}` }),
        random() < 0.8 ? 1 : 0,
        retain,
      );
    };
    for (const seat of seats) {
      const { name, says } = seat.identity;
      // An operator that says anything is closed.
      if (name.startsWith('operator')) continue;
      for (const topic of ownTopics.filter((topic) => says.test(topic)).slice(0, 5)) await say(seat, topic);
      for (let i = 0; i < 4; i++) await say(seat, pick(everyTopic));
    }
    for (const device of devices) {
      // An action that all classes have, and that nobody else has to approve.
      const what = { action: 'set_interval', args: { interval_s: 60 } };
      const wanted = { id: randomUUID(), device: device.id, ...what, issuedBy: 'test' };
      if (random() < 0.5)
        await issueCommand(redis, { ...wanted, expiresAt: Date.now() + 60_000 }, Date.now());
    }
    if (round === 1) {
      for (const { identity, client } of seats.filter(({ identity: { name } }) => name.startsWith('new-'))) {
        const claim = identity.useful.replace(/claimed$/, 'claim');
        await client.publish(claim, JSON.stringify({ serial: identity.name }));
      }
    }
    // The last word of each site, behind which nothing of before is on its way any more.
    const last = new Map<string, string>();
    for (const [i, site] of sites.entries()) {
      const seat = seats[i * classes.length] as Seat;
      const marker = `{"by":"${seat.identity.name}","n":"${round}/last"}`;
      await seat.client.publish(`${prefixes[i * classes.length] ?? ''}telemetry`, marker);
      last.set(`campus/v1/${site}/#`, marker);
    }
    for (const seat of seats) {
      const marker = last.get(seat.identity.useful);
      await eventually(`the last word to reach ${seat.identity.name}`, async () => {
        delivered += (await hear(seat)).length;
        return marker === undefined || seat.heard.has(marker);
      });
      combinations += (1 + 5) * said;
    }
    // Some go with their Will, some without; an operator that speaks goes as well.
    for (const { identity, client } of seats) {
      if (identity.name.startsWith('operator'))
        client.send({
          cmd: 'publish',
          topic: pick(ownTopics),
          payload: `{"by":"${identity.name}"}`,
          qos: 0,
          dup: false,
          retain: true,
        });
      else if (random() < 0.5) client.destroy();
      else await client.disconnect();
    }
  }
  expect(combinations).toBeGreaterThan(10_000);
  // Or it would be easy.
  expect(delivered).toBeGreaterThan(200);
}, 60_000);
