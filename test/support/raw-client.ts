import { EventEmitter, once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { Socket } from 'node:net';
import { generate, parser } from 'mqtt-packet';
import type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';

type Cmd = Packet['cmd'];

/** An MQTT client without a will of its own: it sends what it is told, bytes or packets, and acknowledges nothing. */
export class RawClient {
  readonly #socket: Socket;
  readonly #packets: Packet[] = [];
  readonly #changes = new EventEmitter();
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = parser();
    reader.on('packet', (packet: Packet) => {
      this.#packets.push(packet);
      this.#changes.emit('change');
    });
    reader.on('error', (error: Error) => this.#packets.push({ cmd: 'error', error } as never));
    socket.on('data', (chunk) => reader.parse(chunk));
    socket
      .on('error', () => undefined)
      .on('close', () => {
        this.#closed = true;
        this.#changes.emit('change');
      });
  }

  /** Opens a connection and sends nothing. */
  static async open(port: number): Promise<RawClient> {
    const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Opens a connection and is let in. */
  static async connect(port: number, options: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.send(connectPacket(options));
    const { returnCode } = await client.next<IConnackPacket>('connack');
    if (returnCode !== 0) throw new Error(`CONNACK ${returnCode}`);
    return client;
  }

  send(...what: (Packet | Buffer | readonly number[])[]): void {
    this.#socket.write(
      Buffer.concat(
        what.map((part) =>
          Array.isArray(part) ? Buffer.from(part) : Buffer.isBuffer(part) ? part : generate(part as Packet),
        ),
      ),
    );
  }

  /** The next packet that came, which must be of this kind. */
  async next<P extends Packet = Packet>(cmd: Cmd): Promise<P> {
    const packet = await this.#when(`a ${cmd}`, () => {
      if (this.#packets.length === 0 && this.#closed) throw new Error('the connection is closed');
      return this.#packets.shift();
    });
    if (packet.cmd !== cmd) throw new Error(`${packet.cmd} came instead of ${cmd}`);
    return packet as P;
  }

  /** All that came up to the answer of a ping sent now. */
  async drain(): Promise<Packet[]> {
    this.send({ cmd: 'pingreq' });
    const came = await this.#when('a pingresp', () => {
      if (this.#closed) throw new Error('the connection is closed');
      const at = this.#packets.findIndex(({ cmd }) => cmd === 'pingresp');
      return at < 0 ? undefined : this.#packets.splice(0, at + 1);
    });
    return came.slice(0, -1);
  }

  /** The messages that came up to the answer of a ping sent now. */
  async messages(): Promise<IPublishPacket[]> {
    return (await this.drain()).filter((packet): packet is IPublishPacket => packet.cmd === 'publish');
  }

  async subscribe(...filters: readonly (readonly [string, 0 | 1 | 2])[]): Promise<number[]> {
    const subscriptions = filters.map(([topic, qos]) => ({ topic, qos }));
    this.send({ cmd: 'subscribe', messageId: 999, subscriptions });
    const came = await this.#until('suback');
    return (came as unknown as { granted: number[] }).granted;
  }

  /** Publishes and waits for the end of the handshake. */
  async publish(
    topic: string,
    payload: string,
    qos: 0 | 1 | 2 = 1,
    retain = false,
    messageId = 998,
  ): Promise<void> {
    this.send(publishPacket(topic, payload, { qos, retain, messageId }));
    if (qos === 1) await this.#until('puback');
    if (qos !== 2) return;
    await this.#until('pubrec');
    this.send({ cmd: 'pubrel', messageId });
    await this.#until('pubcomp');
  }

  /** What came that was not asked for yet. */
  get received(): readonly Packet[] {
    return this.#packets;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Waits until the other side has closed the connection. */
  async closed(): Promise<void> {
    await this.#when('the connection to be closed', () => this.#closed);
  }

  /** Ends without DISCONNECT. */
  destroy(): void {
    this.#socket.destroy();
  }

  disconnect(): Promise<void> {
    this.send({ cmd: 'disconnect' });
    return this.closed();
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until the question is answered with something, asking at every packet and at the end. */
  async #when<Answer>(what: string, ask: () => Answer | undefined): Promise<Answer> {
    const patience = AbortSignal.timeout(20_000);
    for (;;) {
      const answer = ask();
      if (answer !== undefined && answer !== false) return answer;
      try {
        await once(this.#changes, 'change', { signal: patience });
      } catch (cause) {
        throw new Error(`not within 20 s: ${what}`, { cause });
      }
    }
  }

  async #until(cmd: Cmd): Promise<Packet> {
    return this.#when(`a ${cmd}`, () => {
      if (this.#closed) throw new Error('the connection is closed');
      const at = this.#packets.findIndex((packet) => packet.cmd === cmd);
      return at < 0 ? undefined : this.#packets.splice(at, 1)[0];
    });
  }
}

let clients = 0;

export function connectPacket(options: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
    clientId: `raw-${++clients}`,
    ...options,
  };
}

export function publishPacket(
  topic: string,
  payload: string,
  options: Partial<IPublishPacket> = {},
): IPublishPacket {
  return { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, ...options };
}

/** A string or bytes after two bytes of length. */
export function field(content: string | readonly number[]): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** A packet of these parts, with the right remaining length (below 16,384). */
export function rawPacket(header: number, ...parts: (Buffer | readonly number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as Buffer)));
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}
