import type { IConnackPacket, IPublishPacket } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import type { RawClient } from '../support/raw-client.js';
import { connectPacket, publishPacket } from '../support/raw-client.js';
import { eventually } from '../support/eventually.js';
import { useOpenTrial } from '../support/open-trial.js';

// Sessions kept and thrown away, takeovers, Wills and keep-alive, as a client sees them.
const trial = useOpenTrial();
const { connect } = trial;
let round = 0;
const own = () => `s${++round}`;

async function connack(
  options: Parameters<typeof RawClient.connect>[1],
): Promise<[RawClient, IConnackPacket]> {
  const client = await trial.open();
  client.send(connectPacket(options));
  return [client, await client.next<IConnackPacket>('connack')];
}

const payloads = (messages: readonly IPublishPacket[]) => messages.map(({ payload }) => payload.toString());

describe('session state', () => {
  test('[MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3] CONNACK tells truly whether there is one', async () => {
    const clientId = own();
    const present = async (clean: boolean) => {
      const [client, { sessionPresent, returnCode }] = await connack({ clientId, clean });
      expect(returnCode).toBe(0);
      await client.disconnect();
      return sessionPresent;
    };
    expect(await present(false)).toBe(false);
    expect(await present(false)).toBe(true); // also without any subscription
    expect(await present(true)).toBe(false);
    expect(await present(false)).toBe(false);
    expect(await present(true)).toBe(false);
  });

  test('[MQTT-3.1.2-4] [MQTT-3.1.2-5] subscriptions last, and QoS 1 and 2 wait, in order and with their QoS', async () => {
    const clientId = own();
    const away = await connect({ clientId, clean: false });
    await away.subscribe([`${clientId}/1`, 1], [`${clientId}/2/+`, 2], [`${clientId}/0`, 0]);
    await away.disconnect();
    const publisher = await connect();
    for (let i = 0; i < 5; i++) await publisher.publish(`${clientId}/1`, `a${i}`, 2);
    await publisher.publish(`${clientId}/2/x`, 'b', 2, true);
    await publisher.publish(`${clientId}/1`, 'zero', 0);
    await publisher.publish(`${clientId}/0`, 'c', 2);
    const back = await connect({ clientId, clean: false });
    const came = await back.messages();
    expect(payloads(came)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'b']);
    expect(came.map(({ qos, retain, dup }) => [qos, retain, dup])).toEqual([
      ...Array<unknown>(5).fill([1, false, false]),
      [2, false, false],
    ]);
    await publisher.publish(`${clientId}/0`, 'live', 2);
    expect(payloads(await back.messages())).toEqual(['live']);
  });

  test('[MQTT-3.1.2-6] clean 1 throws everything away, before and after', async () => {
    const clientId = own();
    const kept = await connect({ clientId, clean: false });
    await kept.subscribe([clientId, 1]);
    await kept.disconnect();
    const publisher = await connect();
    await publisher.publish(clientId, 'missed');
    const clean = await connect({ clientId, clean: true });
    await publisher.publish(clientId, 'not subscribed');
    expect(await clean.drain()).toEqual([]);
    await clean.subscribe([clientId, 1]);
    await clean.disconnect();
    await publisher.publish(clientId, 'nobody');
    const back = await connect({ clientId, clean: false });
    expect(await back.drain()).toEqual([]);
  });

  test('[MQTT-4.4.0-1] [MQTT-3.3.1-1] what was not acknowledged comes again: same identifier, same order, DUP', async () => {
    const clientId = own();
    const first = await connect({ clientId, clean: false });
    await first.subscribe([`${clientId}/#`, 2]);
    const publisher = await connect();
    await publisher.publish(`${clientId}/a`, 'one', 1);
    await publisher.publish(`${clientId}/b`, 'two', 2);
    await publisher.publish(`${clientId}/c`, 'three', 2);
    const sent = await first.messages();
    expect(sent.map(({ dup }) => dup)).toEqual([false, false, false]);
    first.destroy();
    await publisher.publish(`${clientId}/d`, 'four', 1);
    const second = await connect({ clientId, clean: false });
    const again = await second.messages();
    expect(payloads(again)).toEqual(['one', 'two', 'three', 'four']);
    expect(again.map(({ dup }) => dup)).toEqual([true, true, true, false]);
    expect(again.slice(0, 3).map(({ messageId }) => messageId)).toEqual(
      sent.map(({ messageId }) => messageId),
    );
    // Half the handshakes: PUBACK for one, PUBREC for three and then two.
    const [one = 0, two = 0, three = 0, four = 0] = again.map(({ messageId }) => messageId ?? 0);
    second.send(
      { cmd: 'puback', messageId: one },
      { cmd: 'pubrec', messageId: three },
      { cmd: 'pubrec', messageId: two },
    );
    await second.next('pubrel');
    await second.next('pubrel');
    second.destroy();
    const third = await connect({ clientId, clean: false });
    const left = await third.drain();
    expect(left.map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
      ['publish', four],
      ['pubrel', three], // [MQTT-4.6.0-4]
      ['pubrel', two],
    ]);
    third.send(
      { cmd: 'puback', messageId: four },
      { cmd: 'pubcomp', messageId: three },
      { cmd: 'pubcomp', messageId: two },
    );
    await third.disconnect();
    expect(await (await connect({ clientId, clean: false })).drain()).toEqual([]);
  });

  test('a retained message that was not acknowledged comes again as well', async () => {
    const clientId = own();
    const publisher = await connect();
    await publisher.publish(clientId, 'kept', 1, true);
    const first = await connect({ clientId, clean: false });
    await first.subscribe([clientId, 1]);
    expect(payloads(await first.messages())).toEqual(['kept']);
    first.destroy();
    const [again] = await (await connect({ clientId, clean: false })).messages();
    expect(again).toMatchObject({ dup: true, qos: 1 });
  });

  test('[MQTT-4.3.3-2] a QoS 2 message sent again after a reconnect is delivered once', async () => {
    const clientId = own();
    const listener = await connect();
    await listener.subscribe([clientId, 0]);
    const first = await connect({ clientId, clean: false });
    first.send(publishPacket(clientId, 'once', { qos: 2, messageId: 9 }));
    await first.next('pubrec');
    first.destroy();
    const second = await connect({ clientId, clean: false });
    second.send(publishPacket(clientId, 'once', { qos: 2, messageId: 9, dup: true }));
    await second.next('pubrec');
    second.send({ cmd: 'pubrel', messageId: 9 });
    await second.next('pubcomp');
    expect(payloads(await listener.messages())).toEqual(['once']);
  });

  test('a filter that was denied is not kept, and one granted before and denied now is not restored', async () => {
    const clientId = own();
    const kept = await connect({ clientId, clean: false });
    expect(await kept.subscribe([clientId, 1], ['test/nosubscribe', 1])).toEqual([1, 128]);
    await kept.disconnect();
    const publisher = await connect();
    await publisher.publish('test/nosubscribe', 'secret');
    await publisher.publish(clientId, 'mine');
    const back = await connect({ clientId, clean: false });
    await publisher.publish('test/nosubscribe', 'secret');
    expect(payloads(await back.messages())).toEqual(['mine']);
  });

  test('messages published while a client comes back arrive once and in order', async () => {
    const clientId = own();
    const kept = await connect({ clientId, clean: false });
    await kept.subscribe([clientId, 1]);
    await kept.disconnect();
    const publisher = await connect();
    let sent = 0;
    const heard: number[] = [];
    for (let i = 0; i < 5; i++) {
      const burst = Array.from({ length: 40 }, () =>
        publishPacket(clientId, String(sent++), { qos: 1, messageId: sent }),
      );
      publisher.send(...burst);
      const back = await connect({ clientId, clean: false });
      await eventually('this burst', async () => {
        const came = await back.messages();
        back.send(...came.map(({ messageId = 0 }) => ({ cmd: 'puback' as const, messageId })));
        heard.push(...came.map(({ payload }) => Number(payload.toString())));
        return heard.length >= sent;
      });
      await back.disconnect();
    }
    expect(heard).toEqual(Array.from({ length: sent }, (_, i) => i));
  });

  test('[MQTT-3.1.3-6] [MQTT-3.1.3-7] clients without an id get one each', async () => {
    const [a, b] = [await connect({ clientId: '' }), await connect({ clientId: '' })];
    await a.publish('anon/a', 'x');
    await b.publish('anon/b', 'x');
    expect([a.isClosed, b.isClosed]).toEqual([false, false]);
  });
});

describe('takeover', () => {
  test('[MQTT-3.1.4-2] a second connection of the same id closes the first, and its Will goes out', async () => {
    const clientId = own();
    const watcher = await connect();
    await watcher.subscribe([`${clientId}/will`, 0]);
    const will = (payload: string) => ({
      topic: `${clientId}/will`,
      payload: Buffer.from(payload),
      qos: 1 as const,
      retain: false,
    });
    const first = await connect({ clientId, will: will('first') });
    await first.subscribe([clientId, 0]);
    const second = await connect({ clientId, will: will('second') });
    await first.closed();
    await eventually('the Will of the first', () => watcher.received.length > 0);
    expect(payloads(await watcher.messages())).toEqual(['first']);
    // The newer one is there, and has no subscriptions of the other; its own Will is still due.
    await (await connect()).publish(clientId, 'x');
    expect(await second.drain()).toEqual([]);
    second.destroy();
    await eventually('the Will of the second', () => watcher.received.length > 0);
    expect(payloads(await watcher.messages())).toEqual(['second']);
  });

  test('a kept session goes over to the newer connection, with what was in flight', async () => {
    const clientId = own();
    const first = await connect({ clientId, clean: false });
    await first.subscribe([clientId, 1]);
    const publisher = await connect();
    await publisher.publish(clientId, 'in flight');
    await first.messages();
    const [second, { sessionPresent }] = await connack({ clientId, clean: false });
    expect(sessionPresent).toBe(true);
    await first.closed();
    await publisher.publish(clientId, 'new');
    const came = await second.messages();
    expect(came.map(({ payload, dup }) => [payload.toString(), dup])).toEqual([
      ['in flight', true],
      ['new', false],
    ]);
  });

  test('of twenty connections of one id that come at once, one is left', async () => {
    const clientId = own();
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect({ clientId })));
    await eventually('nineteen to be closed', () => clients.filter(({ isClosed }) => isClosed).length === 19);
    const left = clients.find(({ isClosed }) => !isClosed);
    await left?.publish(clientId, 'x');
    // The one left can still be taken over.
    await connect({ clientId });
    await left?.closed();
  });

  test('one that comes while the other is just going is known from then on', async () => {
    for (let i = 0; i < 10; i++) {
      const clientId = own();
      const first = await connect({ clientId });
      first.destroy();
      const second = await connect({ clientId });
      await second.drain();
      await connect({ clientId });
      await second.closed();
    }
  });
});

describe('Will', () => {
  async function watched(options: { qos?: 0 | 1 | 2; retain?: boolean; keepalive?: number } = {}) {
    const topic = own();
    const watcher = await connect();
    await watcher.subscribe([topic, 2]);
    const { qos = 1, retain = false, keepalive = 0 } = options;
    const client = await connect({
      keepalive,
      will: { topic, payload: Buffer.from('gone'), qos, retain },
    });
    const will = async () => {
      await eventually('the Will', () => watcher.received.length > 0);
      return (await watcher.messages()).map(
        (packet) => `${packet.payload.toString()} q${packet.qos}${packet.retain ? ' r' : ''}`,
      );
    };
    return { topic, watcher, client, will };
  }

  test.each([0, 1, 2] as const)(
    '[MQTT-3.1.2-8] of QoS %i: sent when the connection breaks, once',
    async (qos) => {
      const { client, will, watcher } = await watched({ qos });
      client.destroy();
      expect(await will()).toEqual([`gone q${qos}`]);
      await trial.broker.metric('pc_mqtt_clients');
      expect(await watcher.drain()).toEqual([]);
    },
  );

  test('[MQTT-3.14.4-3] [MQTT-3.1.2-10] not sent after DISCONNECT, also when the last message came with it', async () => {
    const { client, watcher, topic } = await watched();
    client.send(
      publishPacket(topic, 'last', { qos: 1, messageId: 1 }),
      { cmd: 'disconnect' },
      publishPacket(topic, 'after'),
    );
    await client.closed();
    await eventually('the last message', () => watcher.received.length > 0);
    const other = await connect();
    await other.publish(topic, 'later');
    expect(payloads(await watcher.messages())).toEqual(['last', 'later']);
  });

  test('sent when the client breaks the protocol', async () => {
    const { client, will } = await watched();
    client.send([0xf0, 0]);
    expect(await will()).toEqual(['gone q1']);
  });

  test('[MQTT-3.1.2-24] sent when the keep-alive runs out, not before one and a half times', async () => {
    const startedAt = Date.now();
    const { client, will } = await watched({ keepalive: 1 });
    await client.closed();
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1450);
    expect(await will()).toEqual(['gone q1']);
  });

  test('[MQTT-3.1.2-16] [MQTT-3.1.2-17] kept where it says so', async () => {
    for (const retain of [false, true]) {
      const { client, will, topic } = await watched({ retain });
      client.destroy();
      expect(await will()).toEqual(['gone q1']);
      const late = await connect();
      await late.subscribe([topic, 0]);
      expect(payloads(await late.messages())).toEqual(retain ? ['gone'] : []);
    }
  });
});

describe('keep-alive', () => {
  test('any packet counts: pings, messages, acknowledgements', async () => {
    const client = await connect({ keepalive: 1 });
    for (let i = 0; i < 8; i++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      client.send(i % 2 === 0 ? publishPacket('alive', 'x') : { cmd: 'puback', messageId: 1 });
    }
    expect(client.isClosed).toBe(false);
  });

  test('0 switches it off', async () => {
    const client = await connect({ keepalive: 0 });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await client.drain();
  });
});

test('what was asked before DISCONNECT, in the same bytes, is answered before the connection ends', async () => {
  const client = await connect();
  client.send({ cmd: 'pingreq' }, { cmd: 'disconnect' });
  await client.next('pingresp');
  await client.closed();
});
