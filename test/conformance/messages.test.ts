import type { IPublishPacket } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import type { RawClient } from '../support/raw-client.js';
import { field, publishPacket, rawPacket } from '../support/raw-client.js';
import { eventually } from '../support/eventually.js';
import { useOpenTrial } from '../support/open-trial.js';

// Topics, subscriptions, QoS and retained messages, as a client sees them.
const trial = useOpenTrial();
const { connect } = trial;
let round = 0;
/** A topic that no other test uses. */
const own = () => `t${++round}`;

const brief = ({ topic, payload, qos, retain, dup }: IPublishPacket) =>
  `${topic} ${payload.toString()} q${qos}${retain ? ' r' : ''}${dup ? ' d' : ''}`;
const heardBy = async (client: RawClient) => (await client.messages()).map(brief);

describe('topics', () => {
  test.each([
    [
      '[MQTT-4.7.1-2] sport/tennis/player1/#',
      ['sport/tennis/player1', 'sport/tennis/player1/x/y'],
      ['sport/tennis/player2'],
    ],
    ['[MQTT-4.7.1-3] sport/+/player1', ['sport/tennis/player1'], ['sport/player1', 'sport/a/b/player1']],
    ['[MQTT-4.7.1-3] sport/+', ['sport/', 'sport/a'], ['sport', 'sport/a/b']],
    ['[MQTT-4.7.1-3] +/+', ['/finance', 'a/b'], ['finance']],
    ['[MQTT-4.7.1-3] /+', ['/finance'], ['finance', '/a/b']],
    ['[MQTT-4.7.1-3] +', ['finance'], ['/finance']],
    ['[MQTT-4.7.2-1] #', ['a/b', '/', 'a'], ['$a/b', '$']],
    ['[MQTT-4.7.2-1] +/monitor/x', ['b/monitor/x'], ['$SYS/monitor/x', '$a/monitor/x']],
    ['[MQTT-4.7.2-1] $a/#', ['$a/b', '$a'], ['a/b']],
    ['[MQTT-4.7.3-4] ACCOUNTS', ['ACCOUNTS'], ['Accounts', 'ACCOUNTS/', '/ACCOUNTS']],
  ])('%s', async (what, matched, unmatched) => {
    const filter = what.split(' ')[1] ?? '';
    const [live, kept] = [await connect(), await connect({ clientId: `away-${round}`, clean: false })];
    await live.subscribe([filter, 1]);
    await kept.subscribe([filter, 1]);
    await kept.disconnect();
    const publisher = await connect();
    for (const topic of [...matched, ...unmatched]) await publisher.publish(topic, 'x', 1, true);
    const expected = matched.map((topic) => `${topic} x q1`);
    expect(await heardBy(live)).toEqual(expected);
    // What is queued for who is away and what is retained goes by the same matching.
    const back = await connect({ clientId: `away-${round}`, clean: false });
    expect(await heardBy(back)).toEqual(expected);
    const late = await connect();
    await late.subscribe([filter, 1]);
    expect((await heardBy(late)).sort()).toEqual(expected.map((line) => `${line} r`).sort());
    for (const topic of [...matched, ...unmatched]) await publisher.publish(topic, '', 1, true);
    await (await connect({ clientId: `away-${round}` })).disconnect();
  });

  test('[MQTT-4.7.3-3] a topic may have 65,535 bytes', async () => {
    const topic = 'x'.repeat(65_535);
    const subscriber = await connect();
    expect(await subscriber.subscribe([topic, 1])).toEqual([1]);
    await (await connect()).publish(topic, 'long');
    expect((await subscriber.messages()).map((packet) => packet.topic.length)).toEqual([65_535]);
  });

  test('a filter of more than 100 levels is refused; a message that deep reaches those whose filter matches it', async () => {
    const [client, other] = [await connect(), await connect()];
    const deep = 'a/'.repeat(1000);
    expect(await client.subscribe(['a/'.repeat(101), 1], ['a/#', 1], ['b/#', 1])).toEqual([128, 1, 1]);
    expect(await other.subscribe(['a/+/c', 1], ['a/a/#', 0])).toEqual([1, 0]);
    await client.publish(deep, 'x', 1, true);
    expect(await heardBy(client)).toEqual([`${deep} x q1`]);
    expect(await heardBy(other)).toEqual([`${deep} x q0`]);
    const late = await connect();
    await late.subscribe(['#', 1]);
    expect(await heardBy(late)).toContain(`${deep} x q1 r`);
    await client.publish(deep, '', 1, true);
  });
});

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  test('[MQTT-3.8.4-5] [MQTT-3.9.3-1] SUBACK has a code for each filter, in order, also for one named twice', async () => {
    const client = await connect();
    const topic = own();
    expect(
      await client.subscribe(
        [topic, 2],
        ['test/nosubscribe', 2],
        [`${topic}/x`, 0],
        [topic, 1],
        ['$SYS/#', 0],
        ['$share/g/a', 1],
      ),
    ).toEqual([2, 128, 0, 1, 128, 128]);
    // [MQTT-3.8.4-4]: as if they had come one after the other, the later one counts.
    await client.publish(topic, 'x', 2);
    expect(await heardBy(client)).toEqual([`${topic} x q1`]);
  });

  test('[MQTT-3.8.4-2] [MQTT-3.10.4-4] SUBACK and UNSUBACK carry the identifier', async () => {
    const client = await connect();
    client.send({ cmd: 'subscribe', messageId: 4711, subscriptions: [{ topic: 'a', qos: 0 }] });
    expect(await client.next('suback')).toMatchObject({ messageId: 4711 });
    client.send({ cmd: 'unsubscribe', messageId: 815, unsubscriptions: ['a', 'never/subscribed'] });
    expect(await client.next('unsuback')).toMatchObject({ messageId: 815 });
    // [MQTT-3.10.4-5]
    client.send({ cmd: 'unsubscribe', messageId: 816, unsubscriptions: ['never'] });
    expect(await client.next('unsuback')).toMatchObject({ messageId: 816 });
  });

  test.each([0, 1, 2] as const)(
    '[MQTT-3.8.4-6] granted QoS %i bounds what comes, also through wildcards',
    async (granted) => {
      const topic = own();
      const client = await connect();
      await client.subscribe([`${topic}/+`, granted]);
      const publisher = await connect();
      for (const qos of [0, 1, 2] as const) await publisher.publish(`${topic}/a`, `of ${qos}`, qos);
      expect((await client.messages()).map(({ qos }) => qos)).toEqual(
        [0, 1, 2].map((qos) => Math.min(qos, granted)),
      );
    },
  );

  test('[MQTT-3.8.4-3] subscribing again replaces the QoS and brings the retained message again', async () => {
    const topic = own();
    const client = await connect();
    await client.publish(topic, 'kept', 1, true);
    await client.subscribe([topic, 0]);
    expect(await heardBy(client)).toEqual([`${topic} kept q0 r`]);
    await client.subscribe([topic, 1]);
    expect(await heardBy(client)).toEqual([`${topic} kept q1 r`]);
    await client.publish(topic, 'new', 1);
    expect(await heardBy(client)).toEqual([`${topic} new q1`]);
  });

  test('[MQTT-3.3.5-1] overlapping subscriptions: once, with the highest QoS, and not again later', async () => {
    const topic = own();
    const client = await connect({ clientId: `overlap-${topic}`, clean: false });
    await client.subscribe([`${topic}/#`, 2], [`${topic}/+`, 1], [`${topic}/a`, 0]);
    const publisher = await connect();
    await publisher.publish(`${topic}/a`, 'x', 2);
    const [message] = await client.messages();
    expect(message).toMatchObject({ qos: 2 });
    const messageId = message?.messageId ?? 0;
    client.send({ cmd: 'pubrec', messageId });
    await client.next('pubrel');
    client.send({ cmd: 'pubcomp', messageId });
    expect(await client.drain()).toEqual([]);
    await client.disconnect();
    expect(await (await connect({ clientId: `overlap-${topic}`, clean: false })).drain()).toEqual([]);
  });

  test('[MQTT-3.10.4-1] [MQTT-3.10.4-2] after UNSUBACK nothing more comes; only the same letters unsubscribe', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([`${topic}/a`, 1]);
    const publisher = await connect();
    const unsubscribe = async (filter: string) => {
      client.send({ cmd: 'unsubscribe', messageId: 5, unsubscriptions: [filter] });
      await client.next('unsuback');
    };
    await unsubscribe(`${topic}/+`);
    await unsubscribe(`${topic}/A`);
    await publisher.publish(`${topic}/a`, '1');
    expect(await heardBy(client)).toEqual([`${topic}/a 1 q1`]);
    await unsubscribe(`${topic}/a`);
    await publisher.publish(`${topic}/a`, '2');
    expect(await heardBy(client)).toEqual([]);
  });

  test('sent without waiting, UNSUBSCRIBE and SUBSCRIBE count in the order they came', async () => {
    const topic = own();
    const client = await connect();
    for (let i = 0; i < 20; i++) {
      client.send(
        { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] },
        { cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] },
        { cmd: 'subscribe', messageId: 3, subscriptions: [{ topic, qos: 1 }] },
      );
    }
    expect((await client.drain()).map(({ cmd }) => cmd)).toEqual(
      Array(20).fill(['suback', 'unsuback', 'suback']).flat(),
    );
    await client.publish(topic, 'here');
    expect(await heardBy(client)).toEqual([`${topic} here q1`]);
  });

  test('everything may be sent at once after CONNECT, before its CONNACK [MQTT-3.2.0-1]', async () => {
    const topic = own();
    const client = await trial.open();
    const publishes = Array.from({ length: 100 }, (_, i) =>
      publishPacket(topic, String(i), { qos: 1, messageId: i + 1 }),
    );
    client.send(
      rawPacket(0x10, field('MQTT'), [4, 2, 0, 0], field(`early-${topic}`)),
      rawPacket(0x82, [0, 9], field(topic), [0]),
      ...publishes,
    );
    await client.next('connack');
    await client.next('suback');
    await eventually(
      '100 PUBACKs',
      () => client.received.filter(({ cmd }) => cmd === 'puback').length === 100,
    );
    expect((await client.messages()).map(({ payload }) => Number(payload.toString()))).toEqual(
      publishes.map((_, i) => i),
    );
  });

  test('a SUBSCRIBE counts after the messages sent before it, an UNSUBSCRIBE, too', async () => {
    const topic = own();
    const client = await connect();
    client.send(
      publishPacket(topic, 'kept', { retain: true }),
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] },
      publishPacket(topic, 'live', { qos: 1, messageId: 7 }),
      { cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] },
      publishPacket(topic, 'late', { qos: 1, messageId: 8 }),
    );
    await eventually(
      'both PUBACKs',
      () => client.received.filter(({ cmd }) => cmd === 'puback').length === 2,
    );
    expect(await heardBy(client)).toEqual([`${topic} kept q0 r`, `${topic} live q1`]);
  });

  test('[MQTT-3.12.4-1] PINGREQ is answered', async () => {
    const client = await connect();
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
  });
});

describe('QoS', () => {
  test('mixed QoS to one client: everything comes, each QoS in its order [MQTT-4.6.0-6]', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([topic, 2]);
    const publisher = await connect();
    const packets = Array.from({ length: 300 }, (_, i) =>
      publishPacket(topic, String(i), { qos: (i % 2) as 0 | 1, messageId: i + 1 }),
    );
    publisher.send(...packets);
    await eventually(
      '150 PUBACKs',
      () => publisher.received.filter(({ cmd }) => cmd === 'puback').length === 150,
    );
    // A client has at most 100 unacknowledged.
    const heard: IPublishPacket[] = [];
    await eventually('300 messages', async () => {
      const came = await client.messages();
      heard.push(...came);
      client.send(
        ...came
          .filter(({ qos }) => qos === 1)
          .map(({ messageId = 0 }) => ({ cmd: 'puback' as const, messageId })),
      );
      return heard.length === 300;
    });
    const numbers = (qos: number) =>
      heard.filter((packet) => packet.qos === qos).map(({ payload }) => Number(payload.toString()));
    expect(numbers(0)).toEqual(Array.from({ length: 150 }, (_, i) => 2 * i));
    expect(numbers(1)).toEqual(Array.from({ length: 150 }, (_, i) => 2 * i + 1));
  });

  test('[MQTT-4.3.2-2] [MQTT-2.3.1-6] PUBACK carries the identifier; a DUP is taken as new', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([topic, 0]);
    for (const dup of [false, true]) {
      client.send(publishPacket(topic, 'x', { qos: 1, messageId: 77, dup }));
    }
    await eventually('two PUBACKs', () => client.received.filter(({ cmd }) => cmd === 'puback').length === 2);
    const came = await client.drain();
    expect(came.filter(({ cmd }) => cmd === 'puback').map(({ messageId }) => messageId)).toEqual([77, 77]);
    // [MQTT-3.3.1-3]: DUP of the sender is not passed on.
    expect(
      came.filter(({ cmd }) => cmd === 'publish').map((packet) => (packet as IPublishPacket).dup),
    ).toEqual([false, false]);
  });

  test('[MQTT-4.3.3-2] QoS 2: sent again before PUBREL it is answered again and delivered once', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([topic, 0]);
    const send = (dup: boolean) => client.send(publishPacket(topic, 'once', { qos: 2, messageId: 5, dup }));
    send(false);
    send(true);
    await eventually('PUBREC', () => client.received.some(({ cmd }) => cmd === 'pubrec'));
    send(true);
    const came = await eventually('a second PUBREC', () => {
      const packets = [...client.received];
      return packets.filter(({ cmd }) => cmd === 'pubrec').length >= 2 && packets;
    });
    expect(came.filter(({ cmd }) => cmd === 'publish')).toHaveLength(1);
    await client.drain();
    client.send({ cmd: 'pubrel', messageId: 5 });
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 5 });
    // Again, and for one that never was: PUBCOMP all the same.
    client.send({ cmd: 'pubrel', messageId: 5 }, { cmd: 'pubrel', messageId: 6 });
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 5 });
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 6 });
    // The identifier is free again.
    await client.publish(topic, 'twice', 2, false, 5);
    expect(await heardBy(client)).toEqual([`${topic} twice q0`]);
  });

  test('[MQTT-4.3.3-1] QoS 2 to a client: PUBREL answers each PUBREC, identifiers in use are not given again', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([topic, 2]);
    const publisher = await connect();
    for (let i = 0; i < 3; i++) await publisher.publish(topic, String(i), 2);
    const messages = await client.messages();
    const ids = messages.map(({ messageId }) => messageId ?? 0);
    expect(new Set(ids).size).toBe(3);
    expect(messages.every(({ dup }) => !dup)).toBe(true);
    for (const messageId of [...ids, ids[0] ?? 0]) {
      client.send({ cmd: 'pubrec', messageId });
      expect(await client.next('pubrel')).toMatchObject({ messageId });
    }
    for (const messageId of ids) client.send({ cmd: 'pubcomp', messageId }, { cmd: 'pubcomp', messageId });
    // Answers to nothing harm nothing.
    client.send({ cmd: 'puback', messageId: 1234 }, { cmd: 'pubcomp', messageId: 1234 });
    expect(await client.drain()).toEqual([]);
  });

  test('a client that acknowledges nothing gets 100 messages and the rest as it acknowledges', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([topic, 1]);
    const publisher = await connect();
    publisher.send(
      ...Array.from({ length: 150 }, (_, i) => publishPacket(topic, String(i), { qos: 1, messageId: i + 1 })),
    );
    await eventually('all PUBACKs', () => publisher.received.length === 150);
    const first = await client.messages();
    expect(first).toHaveLength(100);
    client.send(...first.map(({ messageId = 0 }) => ({ cmd: 'puback' as const, messageId })));
    expect((await client.messages()).map(({ payload }) => payload.toString())).toEqual(
      Array.from({ length: 50 }, (_, i) => String(100 + i)),
    );
  });

  test('a message of 1.5 MB and an empty one come as they were', async () => {
    const topic = own();
    const client = await connect();
    await client.subscribe([topic, 1]);
    const payload = 'y'.repeat(1_500_000);
    const publisher = await connect();
    await publisher.publish(topic, payload, 1);
    await publisher.publish(topic, '', 1);
    const [large, empty] = await client.messages();
    expect(large?.payload.toString() === payload).toBe(true);
    expect(empty?.payload.length).toBe(0);
  });

  test('one client that reads nothing holds up nobody', async () => {
    const topic = own();
    const [frozen, reading, publisher] = [await connect(), await connect(), await connect()];
    await frozen.subscribe([topic, 0]);
    await reading.subscribe([topic, 0]);
    frozen.pause();
    const payload = 'z'.repeat(100_000);
    let heard = 0;
    for (let i = 0; i < 100; i++) {
      await publisher.publish(topic, payload, 1);
      heard += (await reading.messages()).length;
    }
    expect(heard).toBe(100);
    expect(await trial.broker.metric('pc_mqtt_slow_clients_total', 'message')).toBeGreaterThan(0);
    await eventually('the frozen client to be given up', async () => {
      return (await trial.broker.metric('pc_mqtt_slow_clients_total', 'connection')) > 0;
    });
  });
});

describe('retained messages', () => {
  test('[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT-3.3.1-9] the last one comes to who subscribes later, marked', async () => {
    const topic = own();
    const publisher = await connect();
    const early = await connect();
    await early.subscribe([topic, 1]);
    await publisher.publish(topic, '1', 1, true);
    await publisher.publish(topic, '2', 0, true);
    await publisher.publish(topic, 'not kept', 1, false); // [MQTT-3.3.1-12]
    expect(await heardBy(early)).toEqual([`${topic} 1 q1`, `${topic} 2 q0`, `${topic} not kept q1`]);
    const late = await connect();
    await late.subscribe([`${topic}/#`, 2]);
    expect(await heardBy(late)).toEqual([`${topic} 2 q0 r`]); // [MQTT-3.3.1-7]
  });

  test.each([0, 1, 2] as const)(
    '[MQTT-3.3.1-10] [MQTT-3.3.1-11] an empty payload of QoS %i removes it',
    async (qos) => {
      const topic = own();
      const publisher = await connect();
      const early = await connect();
      await early.subscribe([topic, 0]);
      await publisher.publish(topic, 'kept', 2, true);
      await publisher.publish(topic, '', qos, true);
      await publisher.publish(`${topic}/done`, '', 1);
      expect(await heardBy(early)).toEqual([`${topic} kept q0`, `${topic}  q0`]);
      const late = await connect();
      await late.subscribe([topic, 2]);
      expect(await heardBy(late)).toEqual([]);
    },
  );

  test('its QoS is bounded by the subscription that brings it', async () => {
    const topic = own();
    const client = await connect();
    for (const qos of [0, 1, 2] as const) await client.publish(`${topic}/${qos}`, 'k', qos, true);
    for (const granted of [0, 1, 2] as const) {
      const late = await connect();
      await late.subscribe([`${topic}/+`, granted]);
      expect((await late.messages()).map(({ qos }) => qos)).toEqual(
        [0, 1, 2].map((qos) => Math.min(qos, granted)),
      );
    }
  });

  test('[MQTT-3.1.2-7] it does not go with the session of its publisher', async () => {
    const topic = own();
    const publisher = await connect({ clientId: `gone-${topic}` });
    await publisher.publish(topic, 'stays', 1, true);
    await publisher.disconnect();
    await connect({ clientId: `gone-${topic}` });
    const late = await connect();
    await late.subscribe([topic, 0]);
    expect(await heardBy(late)).toEqual([`${topic} stays q0 r`]);
  });
});
