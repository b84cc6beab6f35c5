import { connect } from 'node:net';
import { generate } from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { connectPacket, publishPacket } from './raw-client.js';
import { seededRandom } from '../../simulators/city/seeded-random.js';

/** What a fuzzing run did. */
export interface FuzzResult {
  readonly packets: number;
  readonly connections: number;
}

/**
 * Sends packets over raw sockets to a broker on loopback: right ones, and right ones with bytes changed,
 * removed, doubled or cut off, most after a proper CONNECT. The same seed sends the same bytes.
 * @param connectAs credentials to connect with, @defaultValue any
 */
export async function fuzz(
  port: number,
  options: {
    readonly packets: number;
    readonly seed: number;
    readonly connectAs?: Parameters<typeof connectPacket>[0];
    /** Told now and then how many packets have been sent. */
    readonly onProgress?: (packets: number) => void;
  },
): Promise<FuzzResult> {
  const { seed, onProgress, connectAs } = options;
  const random = seededRandom(seed);
  const lanes = 32;
  let left = options.packets;
  let connections = 0;
  const sent = () => options.packets - left;
  const lane = async () => {
    while (left > 0) {
      connections++;
      const first = generate(connectPacket({ ...randomConnect(random), ...connectAs }));
      // The first wrong packet ends a connection, so on some they are rare.
      const wrong = pick([0.02, 0.1, 0.5, 1], random);
      const count = Math.min(left, 1 + Math.floor(random() * 40));
      const rest = Array.from({ length: count }, () => {
        const packet = randomPacket(random);
        return random() < wrong ? mutate(packet, random) : packet;
      });
      left -= count;
      if (connections % 500 === 0) onProgress?.(sent());
      await sendAndEnd(port, random() < 0.95 ? first : mutate(first, random), Buffer.concat(rest), random);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { packets: sent(), connections };
}

/** Sends the CONNECT and, when it is answered, the rest in two pieces; ends in one of three ways. */
function sendAndEnd(port: number, first: Buffer, rest: Buffer, random: () => number): Promise<void> {
  const cut = Math.floor(random() * rest.length);
  const [ending, impatience] = [random(), random()];
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(first));
    const goOn = () => {
      clearTimeout(patience);
      socket.off('data', goOn);
      socket.resume();
      socket.write(rest.subarray(0, cut));
      setImmediate(() => {
        if (!socket.writable) return;
        socket.write(rest.subarray(cut), () => setTimeout(end, 5 + ending * 40));
      });
    };
    const end = () => {
      if (ending < 0.4) socket.destroy();
      else if (ending < 0.6) socket.resetAndDestroy();
      else socket.end(Buffer.from([0xe0, 0]));
    };
    // Some don't wait for the CONNACK.
    const patience = setTimeout(goOn, impatience < 0.1 ? 0 : 200);
    socket.once('data', goOn);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearTimeout(patience);
        resolve();
      });
    // A broker that neither answers nor closes would hold the run up for ever.
    socket.setTimeout(3000, () => socket.destroy());
  });
}

const topics = ['fuzz/a', 'fuzz/b/c', 'fuzz', '/', 'fuzz/温度', '$fuzz/x', 'a'.repeat(300), 'f/'.repeat(150)];
const filters = [
  ...topics,
  '#',
  '+',
  '+/+',
  'fuzz/#',
  '$SYS/#',
  '$share/g/fuzz/a',
  'a#',
  '+a',
  '',
  'test/nosubscribe',
];

function randomConnect(random: () => number): Parameters<typeof connectPacket>[0] {
  const will =
    random() < 0.3
      ? {
          topic: pick(topics, random),
          payload: Buffer.from('w'),
          qos: pick([0, 1, 2] as const, random),
          retain: random() < 0.2,
        }
      : undefined;
  return {
    clientId: `fuzz-${Math.floor(random() * 50)}`,
    clean: random() < 0.7,
    keepalive: Math.floor(random() * 3),
    ...(will === undefined ? {} : { will }),
  };
}

function randomPacket(random: () => number): Buffer {
  const messageId = 1 + Math.floor(random() * 20);
  const qos = pick([0, 1, 2] as const, random);
  const makers: (() => Packet)[] = [
    () =>
      publishPacket(pick(topics, random), 'x'.repeat(Math.floor(random() ** 6 * 20_000)), {
        qos,
        messageId,
        retain: random() < 0.1,
        dup: qos > 0 && random() < 0.2,
      }),
    () => publishPacket(pick(topics, random), '{"ts":1}', { qos, messageId }),
    () => ({
      cmd: 'subscribe',
      messageId,
      subscriptions: Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
        topic: pick(filters, random),
        qos,
      })),
    }),
    () => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [pick(filters, random)] }),
    () => ({ cmd: pick(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const, random), messageId }),
    () => ({ cmd: 'pingreq' }),
    () => connectPacket(randomConnect(random)),
    () => ({ cmd: 'connack', returnCode: 0, sessionPresent: false }),
  ];
  // Mostly messages; what ends the connection for certain is rare.
  const which = Math.floor(random() ** 1.5 * (random() < 0.05 ? makers.length : makers.length - 2));
  try {
    return generate((makers[which] as () => Packet)());
  } catch {
    // What the library refuses to write (an empty topic): bytes at random instead.
    return Buffer.from(Array.from({ length: Math.floor(random() * 30) }, () => Math.floor(random() * 256)));
  }
}

function mutate(packet: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * packet.length);
  const bytes = Buffer.from(packet);
  switch (Math.floor(random() * 7)) {
    case 0:
      bytes[at] = Math.floor(random() * 256);
      return bytes;
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at - 4 < 0 ? 0 : at - 4)]);
    case 5:
      // The length says something else.
      bytes[1] = Math.floor(random() * 256);
      return bytes;
    default:
      bytes[0] = Math.floor(random() * 256);
      return bytes;
  }
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}
