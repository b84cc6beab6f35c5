import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generate } from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { PacketReader } from '../../../../broker/guard/packet-reader.js';
import { PublishParser } from '../../../../broker/guard/publish-parser.js';
import { ProtocolViolation } from '../../../../broker/guard/violation.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';

function publish(payload: Buffer, topic = 'a/b'): Buffer {
  const packet: Packet = { cmd: 'publish', topic, payload, qos: 1, messageId: 7, dup: false, retain: false };
  return generate(packet);
}

function reader(maxBytes = 1_000_000): PacketReader {
  const made = new PacketReader(maxBytes);
  made.expectConnect = false;
  return made;
}

function reasonOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof ProtocolViolation ? error.reason : String(error);
  }
}

test('packets come out whole and in order, however the bytes are cut', () => {
  const random = seededRandom(5);
  const payloads = Array.from({ length: 200 }, (_, i) =>
    Buffer.alloc(Math.floor(random() ** 4 * 40_000), String(i)),
  );
  const bytes = Buffer.concat(payloads.map((payload) => publish(payload)));
  for (const largest of [1, 3, 100, 65_536]) {
    const read = reader();
    const parser = new PublishParser();
    const heard: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const cut = 1 + Math.floor(random() * largest);
      read.push(bytes.subarray(at, at + cut));
      at += cut;
      while (read.next()) {
        const message = parser.parse(read.bytes, read.header, read.start, read.end);
        expect(message).toMatchObject({ topic: 'a/b', id: 7, qos: 1 });
        heard.push(Buffer.from(message.payload));
      }
    }
    expect(heard.length).toBe(payloads.length);
    expect(heard.every((payload, i) => payload.equals(payloads[i] ?? Buffer.alloc(0)))).toBe(true);
  }
});

test('a packet that drips in byte by byte takes no more than a few times its bytes', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const held = () => {
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const bytes = 400_000;
  const packet = publish(Buffer.alloc(bytes, 'x'));
  const read = reader();
  const before = held();
  // Each chunk in memory of its own, as it comes from a socket.
  for (let at = 0; at < packet.length - 1; at++) {
    read.push(Buffer.from(packet.subarray(at, at + 1)));
    if (read.next()) throw new Error(`a packet after ${at + 1} bytes`);
  }
  expect((held() - before) / bytes).toBeLessThan(4);
  read.push(packet.subarray(-1));
  expect(read.next()).toBe(true);
  expect(read.bytes.subarray(read.begin, read.end).equals(packet)).toBe(true);
});

test('of a size that is only claimed nothing is kept', () => {
  const read = reader();
  const before = process.memoryUsage().arrayBuffers;
  read.push(Buffer.from([0x30, 0xf0, 0x80, 0x3c]));
  expect(read.next()).toBe(false);
  for (let i = 0; i < 10; i++) read.push(Buffer.from([0]));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
});

describe('by its first bytes', () => {
  test.each([
    ['an answer of a server', [0x20, 2], 'server_packet'],
    ['type 0', [0x00, 0], 'unknown_type'],
    ['type 15', [0xf0, 0], 'unknown_type'],
    ['a second CONNECT', [0x10, 10], 'second_connect'],
    ['SUBSCRIBE with flags 0', [0x80, 2], 'header_flags'],
    ['PUBREL with flags 0', [0x60, 2], 'header_flags'],
    ['PINGREQ with flags', [0xc1, 0], 'header_flags'],
    ['QoS 3', [0x36, 9], 'qos'],
    ['DUP with QoS 0', [0x38, 9], 'qos'],
    ['five bytes of length', [0x30, 0x80, 0x80, 0x80, 0x80, 1], 'remaining_length'],
    ['256 MB', [0x30, 0xff, 0xff, 0xff, 0x7f], 'too_large'],
  ])('%s is refused', (_what, bytes, reason) => {
    const read = reader();
    read.push(Buffer.from(bytes));
    expect(reasonOf(() => read.next())).toBe(reason);
  });

  test('nothing but CONNECT may come first', () => {
    const read = new PacketReader(100);
    read.push(Buffer.from('GET / HTTP/1.1\r\n'));
    expect(reasonOf(() => read.next())).toBe('not_connect');
  });
});

test('a topic is read anew when its bytes differ, and checked', () => {
  const parser = new PublishParser();
  const topicOf = (packet: Buffer) => parser.parse(packet, packet[0] ?? 0, 2, packet.length).topic;
  expect(topicOf(publish(Buffer.from('x'), 'a/b'))).toBe('a/b');
  expect(topicOf(publish(Buffer.from('y'), 'a/c'))).toBe('a/c');
  expect(topicOf(publish(Buffer.from('y'), '温度/c'))).toBe('温度/c');
  expect(topicOf(publish(Buffer.from('y'), '\uFEFFa'))).toBe('\uFEFFa');
  const broken = publish(Buffer.from('x'), 'a/b');
  broken[4] = 0xff;
  expect(reasonOf(() => topicOf(broken))).toBe('utf8');
  broken[4] = 0;
  expect(reasonOf(() => topicOf(broken))).toBe('utf8');
  broken[4] = '+'.charCodeAt(0);
  expect(reasonOf(() => topicOf(broken))).toBe('topic_name');
  expect(reasonOf(() => topicOf(publish(Buffer.from('x')).subarray(0, 6)))).toBe('truncated');
});
