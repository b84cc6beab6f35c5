import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connectPacket } from './connect-packet.js';

/** What a publisher process is asked to do. */
export interface PublishOrder {
  readonly port: number;
  /** One connection each. */
  readonly devices: readonly {
    readonly clientId: string;
    readonly password: string;
    readonly topic: string;
  }[];
  readonly messagesPerDevice: number;
  /** Unacknowledged messages per connection. */
  readonly window: number;
  readonly boot: string;
  /** Event time of each device's first reading, epoch ms; the following ones are 1 ms apart. */
  readonly firstTs: number;
}

/** What it did. */
export interface PublishResult {
  readonly acknowledged: number;
  /** From the first PUBLISH to the last PUBACK. */
  readonly seconds: number;
  /** From handing a PUBLISH to the socket to its PUBACK. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Wall time of the first PUBLISH, epoch ms. */
  readonly startedAt: number;
}

/**
 * A publisher light enough not to be the thing that is measured: it writes ready-made QoS 1 packets to plain
 * sockets and counts PUBACKs (all that a broker sends to such a client after CONNACK) by their four bytes.
 */
export async function publish(order: PublishOrder): Promise<PublishResult> {
  const lanes = await Promise.all(order.devices.map((device) => Lane.open(order, device)));
  const startedAt = Date.now();
  const start = performance.now();
  await Promise.all(lanes.map((lane) => lane.run()));
  const seconds = (performance.now() - start) / 1000;
  const latencies = Float64Array.from(lanes.flatMap((lane) => lane.latencies)).sort();
  const quantile = (q: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? 0;
  return {
    acknowledged: lanes.length * order.messagesPerDevice,
    seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    startedAt,
  };
}

/** Every so manyth message has its latency taken. */
const sampleEvery = 16;

class Lane {
  readonly latencies: number[] = [];
  readonly #socket: Socket;
  readonly #order: PublishOrder;
  readonly #topic: string;
  readonly #sentAt = new Float64Array(65_536);
  #sent = 0;
  #acknowledged = 0;
  #rest = 0;

  private constructor(socket: Socket, order: PublishOrder, topic: string) {
    this.#socket = socket;
    this.#order = order;
    this.#topic = topic;
  }

  static open(order: PublishOrder, device: PublishOrder['devices'][number]): Promise<Lane> {
    const { clientId, password, topic } = device;
    const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true });
    socket.write(connectPacket({ clientId, password }, 0));
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('data', (connack: Buffer) => {
        if (connack[3] === 0) resolve(new Lane(socket, order, topic));
        else reject(new Error(`CONNECT of ${clientId} refused with ${connack[3]}`));
      });
    });
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.on('data', (chunk: Buffer) => {
        this.#rest += chunk.length;
        const acks = this.#rest >> 2;
        this.#rest -= acks << 2;
        this.#take(acks);
        if (this.#acknowledged === this.#order.messagesPerDevice) {
          this.#socket.destroy();
          resolve();
        } else this.#send(acks);
      });
      this.#socket.once('error', reject);
      this.#socket.once('close', () => {
        if (this.#acknowledged < this.#order.messagesPerDevice)
          reject(new Error('the broker closed the connection'));
      });
      this.#send(this.#order.window);
    });
  }

  #take(acks: number): void {
    const now = performance.now();
    for (let i = 0; i < acks; i++) {
      this.#acknowledged++;
      if (this.#acknowledged % sampleEvery === 0)
        this.latencies.push(now - (this.#sentAt[this.#acknowledged & 0xffff] ?? now));
    }
  }

  #send(count: number): void {
    const { messagesPerDevice, firstTs, boot } = this.#order;
    const topicLength = this.#topic.length;
    const packets: Buffer[] = [];
    const now = performance.now();
    for (let i = 0; i < count && this.#sent < messagesPerDevice; i++) {
      const seq = this.#sent++;
      const ts = firstTs + seq;
      const payload = `{"ts":${ts},"seq":${seq},"boot":"${boot}","m":{"co2_ppm":${600 + (seq % 300)},"temp_c":21.5,"rh_pct":40.1,"lux":433,"pm25_ugm3":12,"occupied":1}}`;
      const remaining = 2 + topicLength + 2 + payload.length;
      const packet = Buffer.allocUnsafe(1 + (remaining > 127 ? 2 : 1) + remaining);
      let at = packet.writeUInt8(0x32, 0); // PUBLISH, QoS 1
      if (remaining > 127) {
        at = packet.writeUInt8((remaining & 127) | 128, at);
        at = packet.writeUInt8(remaining >> 7, at);
      } else at = packet.writeUInt8(remaining, at);
      at = packet.writeUInt16BE(topicLength, at);
      at += packet.write(this.#topic, at, 'latin1');
      at = packet.writeUInt16BE((seq % 65_535) + 1, at);
      packet.write(payload, at, 'latin1');
      packets.push(packet);
      this.#sentAt[(seq + 1) & 0xffff] = now;
    }
    if (packets.length > 0)
      this.#socket.write(packets.length === 1 ? (packets[0] as Buffer) : Buffer.concat(packets));
  }
}
