import type { IConnackPacket } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectPacket, field, publishPacket, RawClient, rawPacket } from '../support/raw-client.js';
import { eventually } from '../support/eventually.js';
import { startTrialBroker } from '../support/trial-broker.js';
import type { TrialBroker } from '../support/trial-broker.js';

// What a client may not send, sent over a raw socket: the connection is closed, the reason counted, and a
// neighbour notices nothing.
let broker: TrialBroker;
let neighbour: RawClient;

beforeAll(async () => {
  broker = await startTrialBroker({ open: true });
  neighbour = await RawClient.connect(broker.port);
});
afterAll(async () => {
  await neighbour.publish('still/here', 'x', 2);
  neighbour.destroy();
  await broker.stop();
});

/** Expects the connection to be closed with nothing said, and the reason to be counted. */
async function refused(client: RawClient, reason: string, work: () => void): Promise<void> {
  const before = await broker.metric('pc_mqtt_violations_total', reason);
  work();
  await client.closed();
  expect(client.received).toEqual([]);
  expect(await broker.metric('pc_mqtt_violations_total', reason)).toBe(before + 1);
}

const connectHead = (level = 4, name = 'MQTT') => [field(name), [level]] as const;
/** CONNECT with these flags and payload. */
const rawConnect = (flags: number, ...payload: Buffer[]) =>
  rawPacket(0x10, ...connectHead(), [flags, 0, 60], ...payload);

describe('before and in CONNECT', () => {
  test.each([
    ['[MQTT-3.1.0-1] the first packet is not CONNECT', 'not_connect', [0xc0, 0]],
    ['[MQTT-3.1.0-1] the first packet is PUBLISH', 'not_connect', rawPacket(0x30, field('a'))],
    ['an HTTP request comes', 'not_connect', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['[MQTT-2.2.2-2] CONNECT has flags in its header', 'header_flags', [0x11, 14]],
    [
      '[MQTT-3.1.2-1] the protocol has another name',
      'protocol_name',
      rawPacket(0x10, ...connectHead(4, 'hj'), [2, 0, 0], field('a')),
    ],
    ['[MQTT-3.1.2-3] the reserved flag is set', 'connect_flags', rawConnect(3, field('a'))],
    ['[MQTT-3.1.2-13] a Will QoS without a Will', 'will', rawConnect(2 + 8, field('a'))],
    ['[MQTT-3.1.2-15] Will Retain without a Will', 'will', rawConnect(2 + 32, field('a'))],
    ['[MQTT-3.1.2-14] a Will of QoS 3', 'will', rawConnect(2 + 4 + 24, field('a'), field('w'), field('x'))],
    ['[MQTT-3.1.2-9] a Will flag and no Will', 'truncated', rawConnect(2 + 4, field('a'))],
    [
      '[MQTT-3.1.2-22] a password without a user name',
      'connect_flags',
      rawConnect(2 + 64, field('a'), field('p')),
    ],
    ['[MQTT-3.1.2-19] a user name flag and no user name', 'truncated', rawConnect(2 + 128, field('a'))],
    [
      '[MQTT-3.1.2-18] a user name and no flag for it',
      'trailing_bytes',
      rawConnect(2, field('a'), field('u')),
    ],
    ['[MQTT-3.1.3-3] no client id at all', 'truncated', rawConnect(2)],
    ['[MQTT-3.1.3-4] a client id that is no UTF-8', 'utf8', rawConnect(2, field([0xc3, 0x28]))],
    ['[MQTT-1.5.3-2] U+0000 in the client id', 'utf8', rawConnect(2, field('a\0b'))],
    [
      '[MQTT-3.1.3-10] a Will topic that is no UTF-8',
      'utf8',
      rawConnect(2 + 4, field('a'), field([0xff]), field('x')),
    ],
    [
      '[MQTT-3.1.3-11] a user name that is no UTF-8',
      'utf8',
      rawConnect(2 + 128, field('a'), field([0xed, 0xa0, 0x80])),
    ],
    [
      '[MQTT-4.7.1-1] a wildcard in the Will topic',
      'topic_name',
      rawConnect(2 + 4, field('a'), field('w/#'), field('x')),
    ],
    ['a remaining length of five bytes', 'remaining_length', [0x10, 0x80, 0x80, 0x80, 0x80, 1]],
    ['a CONNECT of 9 KB is announced', 'too_large', [0x10, 0xa8, 0x46]],
    ['a CONNECT of 256 MB is announced', 'too_large', [0x10, 0xff, 0xff, 0xff, 0x7f]],
  ])('%s: closed without CONNACK (%s)', async (_what, reason, bytes) => {
    const client = await RawClient.open(broker.port);
    await refused(client, reason, () => client.send(bytes));
  });

  test.each([0, 1, 2, 3, 5, 6, 127, 0x84, 255])(
    '[MQTT-3.1.2-2] level %i: CONNACK 1, then closed',
    async (level) => {
      const client = await RawClient.open(broker.port);
      client.send(rawPacket(0x10, ...connectHead(level), [2, 0, 0], field('a')));
      expect(await client.next('connack')).toMatchObject({ returnCode: 1, sessionPresent: false });
      await client.closed();
    },
  );

  test('[MQTT-3.1.3-8] [MQTT-3.2.2-4] [MQTT-3.2.2-5] no client id and clean 0: CONNACK 2, then closed', async () => {
    const client = await RawClient.open(broker.port);
    client.send(rawConnect(0, field('')), publishPacket('after/refusal', 'x'));
    expect(await client.next('connack')).toMatchObject({ returnCode: 2, sessionPresent: false });
    await client.closed();
  });

  test('[MQTT-3.1.4-5] what comes after a refused CONNECT is not processed', async () => {
    await neighbour.subscribe(['after/#', 0]);
    const client = await RawClient.open(broker.port);
    client.send(rawConnect(0, field('')), publishPacket('after/refusal', 'x'));
    await client.closed();
    await neighbour.publish('after/x', 'own');
    expect((await neighbour.messages()).map(({ topic }) => topic)).toEqual(['after/x']);
  });

  test.each([1, 23, 64, 255])('[MQTT-3.1.3-5] a client id of %i letters is taken', async (length) => {
    const client = await RawClient.connect(broker.port, { clientId: 'Z'.repeat(length) });
    client.destroy();
  });

  test('a client id that the log can’t name is refused with CONNACK 2', async () => {
    await expect(RawClient.connect(broker.port, { clientId: 'Z'.repeat(256) })).rejects.toThrow('CONNACK 2');
  });

  test('MQTT 3.1 is spoken, too', async () => {
    const client = await RawClient.connect(broker.port, { protocolId: 'MQIsdp', protocolVersion: 3 });
    await client.publish('x/31', 'x', 2);
    client.destroy();
  });

  test('[MQTT-3.1.0-2] a second CONNECT closes the connection', async () => {
    const client = await RawClient.connect(broker.port);
    await refused(client, 'second_connect', () => client.send(connectPacket()));
  });

  test('[MQTT-3.1.0-2] also when it comes in the same packet of TCP', async () => {
    const client = await RawClient.open(broker.port);
    client.send(connectPacket(), connectPacket());
    expect((await client.next<IConnackPacket>('connack')).returnCode).toBe(0);
    await client.closed();
  });
});

describe('after CONNACK', () => {
  const sub = (...payload: (Buffer | number[])[]) => rawPacket(0x82, [0, 1], ...payload);
  const unsub = (...payload: (Buffer | number[])[]) => rawPacket(0xa2, [0, 1], ...payload);
  test.each([
    ['[MQTT-2.2.2-2] SUBSCRIBE with flags 0', 'header_flags', rawPacket(0x80, [0, 1], field('a'), [0])],
    ['[MQTT-2.2.2-2] UNSUBSCRIBE with flags 0', 'header_flags', rawPacket(0xa0, [0, 1], field('a'))],
    ['[MQTT-3.6.1-1] PUBREL with flags 0', 'header_flags', [0x60, 2, 0, 1]],
    ['[MQTT-2.2.2-2] PUBACK with flags', 'header_flags', [0x42, 2, 0, 1]],
    ['[MQTT-2.2.2-2] PUBREC with flags', 'header_flags', [0x51, 2, 0, 1]],
    ['[MQTT-2.2.2-2] PUBCOMP with flags', 'header_flags', [0x78, 2, 0, 1]],
    ['[MQTT-2.2.2-2] PINGREQ with flags', 'header_flags', [0xc4, 0]],
    ['[MQTT-3.14.1-1] DISCONNECT with flags', 'header_flags', [0xe1, 0]],
    ['type 0', 'unknown_type', [0x00, 0]],
    ['type 15', 'unknown_type', [0xf0, 0]],
    ['CONNACK from a client', 'server_packet', [0x20, 2, 0, 0]],
    ['SUBACK from a client', 'server_packet', [0x90, 3, 0, 1, 0]],
    ['UNSUBACK from a client', 'server_packet', [0xb0, 2, 0, 1]],
    ['PINGRESP from a client', 'server_packet', [0xd0, 0]],
    ['[MQTT-3.3.1-4] PUBLISH of QoS 3', 'qos', rawPacket(0x36, field('a'), [0, 1])],
    ['[MQTT-3.3.1-2] DUP with QoS 0', 'qos', rawPacket(0x38, field('a'))],
    ['[MQTT-2.3.1-1] PUBLISH with identifier 0', 'packet_id', rawPacket(0x32, field('a'), [0, 0])],
    ['[MQTT-2.3.1-1] SUBSCRIBE with identifier 0', 'packet_id', rawPacket(0x82, [0, 0], field('a'), [0])],
    ['[MQTT-2.3.1-1] UNSUBSCRIBE with identifier 0', 'packet_id', rawPacket(0xa2, [0, 0], field('a'))],
    ['PUBACK with identifier 0', 'packet_id', [0x40, 2, 0, 0]],
    ['PUBREL with identifier 0', 'packet_id', [0x62, 2, 0, 0]],
    ['[MQTT-4.7.3-1] an empty topic', 'topic_name', rawPacket(0x30, field(''))],
    ['[MQTT-3.3.2-2] "#" in a topic', 'topic_name', rawPacket(0x30, field('a/#'))],
    ['[MQTT-3.3.2-2] "+" in a topic', 'topic_name', rawPacket(0x32, field('a/+/b'), [0, 1])],
    ['[MQTT-3.3.2-1] a topic that is no UTF-8', 'utf8', rawPacket(0x30, field([0x61, 0xc0, 0x80]))],
    ['[MQTT-1.5.3-1] a surrogate in a topic', 'utf8', rawPacket(0x30, field([0xed, 0xbf, 0xbf]))],
    ['[MQTT-4.7.3-2] U+0000 in a topic', 'utf8', rawPacket(0x30, field('a\0'))],
    ['a PUBLISH whose topic is cut off', 'truncated', [0x30, 4, 0, 9, 0x61, 0x61]],
    ['a PUBLISH without room for its identifier', 'truncated', rawPacket(0x32, field('a'))],
    ['an empty PUBLISH', 'truncated', [0x30, 0]],
    ['[MQTT-3.8.3-3] SUBSCRIBE without a filter', 'no_filter', sub()],
    ['[MQTT-3.8.3-4] SUBSCRIBE with QoS 3', 'qos', sub(field('a'), [3])],
    ['[MQTT-3.8.3-4] SUBSCRIBE with reserved bits', 'qos', sub(field('a'), [0x11])],
    ['SUBSCRIBE without its QoS', 'truncated', sub(field('a'))],
    ['[MQTT-3.8.3-1] a filter that is no UTF-8', 'utf8', sub(field([0xfe]), [0])],
    ['[MQTT-4.7.3-1] an empty filter', 'topic_filter', sub(field(''), [0])],
    ['[MQTT-4.7.1-2] "a#"', 'topic_filter', sub(field('a#'), [0])],
    ['[MQTT-4.7.1-2] "a/#/b"', 'topic_filter', sub(field('a/#/b'), [0])],
    ['[MQTT-4.7.1-3] "a+"', 'topic_filter', sub(field('a+'), [0])],
    ['[MQTT-4.7.1-3] "a/+b"', 'topic_filter', sub(field('a/+b'), [0])],
    ['[MQTT-4.7.1-3] one wrong among right ones', 'topic_filter', sub(field('a/b'), [0], field('+a'), [0])],
    ['[MQTT-3.10.3-2] UNSUBSCRIBE without a filter', 'no_filter', unsub()],
    ['[MQTT-3.10.3-1] UNSUBSCRIBE of what is no UTF-8', 'utf8', unsub(field([0xff]))],
    ['PINGREQ with a body', 'trailing_bytes', [0xc0, 1, 0]],
    ['DISCONNECT with a body', 'trailing_bytes', [0xe0, 1, 0]],
    ['PUBACK with a body too long', 'trailing_bytes', [0x40, 3, 0, 1, 0]],
    ['PUBACK with a body too short', 'truncated', [0x40, 1, 0]],
    ['more than 2 MiB is announced', 'too_large', [0x30, 0x80, 0x80, 0x80, 0x02]],
    ['a remaining length of five bytes', 'remaining_length', [0x30, 0xff, 0xff, 0xff, 0xff, 1]],
  ])('[MQTT-4.8.0-1] %s: closed (%s)', async (_what, reason, bytes) => {
    const client = await RawClient.connect(broker.port);
    await refused(client, reason, () => client.send(bytes));
  });

  test('what came before a malformed packet is processed, what comes after is not', async () => {
    await neighbour.subscribe(['cut/#', 0]);
    const client = await RawClient.connect(broker.port);
    client.send(publishPacket('cut/before', '1'), [0xf0, 0], publishPacket('cut/after', '2'));
    await client.closed();
    await neighbour.publish('cut/last', '3');
    expect((await neighbour.messages()).map(({ topic }) => topic)).toEqual(['cut/before', 'cut/last']);
  });

  test('control characters, a byte order mark [MQTT-1.5.3-3] and astral letters may be in a topic', async () => {
    const topics = ['ctl/\u0001\u001f\u007f', 'ctl/\uFEFFx', 'ctl/😀', 'ctl/\uFFFF'];
    await neighbour.subscribe(...topics.map((topic) => [topic, 0] as const));
    const client = await RawClient.connect(broker.port);
    for (const topic of topics) await client.publish(topic, 'x');
    expect((await neighbour.messages()).map(({ topic }) => topic)).toEqual(topics);
    client.destroy();
  });

  test('packets may come byte by byte and many at once', async () => {
    const client = await RawClient.open(broker.port);
    const all = Buffer.concat([
      rawConnect(2, field('drip')),
      rawPacket(0x32, field('drip/x'), [0, 7], Buffer.from('y')),
      Buffer.from([0xc0, 0]),
    ]);
    for (const byte of all) {
      client.send([byte]);
      await new Promise(setImmediate);
    }
    expect((await client.next<IConnackPacket>('connack')).returnCode).toBe(0);
    const answers = () => client.received.map(({ cmd }) => cmd).sort();
    await eventually('both answers', () => answers().join() === 'pingresp,puback');
    client.destroy();
  });
});
