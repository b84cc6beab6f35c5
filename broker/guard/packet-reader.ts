import { packetType } from './packet-type.js';
import { ProtocolViolation } from './violation.js';

const nothing = Buffer.alloc(0);
/** Bytes of a chunk that were taken and are kept with what is left of it. */
const mostSpent = 4096;

/** What each type's lower four bits must be; `undefined` for PUBLISH, whose bits mean something (table 2.2). */
const requiredFlags: readonly (number | undefined)[] = Object.assign(Array<number | undefined>(16).fill(0), {
  [packetType.publish]: undefined,
  [packetType.pubrel]: 2,
  [packetType.subscribe]: 2,
  [packetType.unsubscribe]: 2,
});

const fromServer: ReadonlySet<number> = new Set([
  packetType.connack,
  packetType.suback,
  packetType.unsuback,
  packetType.pingresp,
]);

/**
 * Cuts the bytes of a connection into control packets, and refuses by its first bytes what is no packet of
 * a client or is larger than the limit, so that nothing of it is kept. What `next` found stays readable in
 * `bytes` from `start` to `end` until the next `push`.
 */
export class PacketReader {
  /** Size of a whole packet, in bytes, above which it is refused. */
  maxBytes: number;
  /** Whether the next packet must be CONNECT [MQTT-3.1.0-1]; afterwards none may be [MQTT-3.1.0-2]. */
  expectConnect = true;
  bytes: Buffer = nothing;
  /** Where the packet's first byte is. */
  begin = 0;
  /** First byte of the packet. */
  header = 0;
  /** Where what follows the fixed header starts. */
  start = 0;
  end = 0;
  #at = 0;
  /** Whole size of the packet at `#at`; 0 until its fixed header is complete. */
  #size = 0;
  #headerSize = 0;
  /**
   * The beginning of a packet that is still incomplete, in memory that grows twofold: were the chunks kept as they
   * came, a packet that drips in byte by byte would take a hundred times its size.
   */
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    if (this.#gathered === undefined && this.#at === this.bytes.length) {
      this.bytes = chunk;
      this.#at = 0;
      return;
    }
    if (this.#gathered === undefined) {
      const rest = this.bytes.subarray(this.#at);
      this.bytes = nothing;
      this.#at = 0;
      this.#gather(rest, chunk.length);
    }
    this.#gather(chunk, 0);
    if (this.#gatheredBytes < this.#size) return;
    this.bytes = this.#gathered?.subarray(0, this.#gatheredBytes) ?? nothing;
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
  }

  /** @param coming bytes that are known to come right behind */
  #gather(chunk: Buffer, coming: number): void {
    const needed = this.#gatheredBytes + chunk.length;
    const held = this.#gathered ?? nothing;
    if (needed > held.length) {
      // Never more than the packet has, whatever it claims: of that nothing is kept before it is there.
      const wanted = Math.max(needed + coming, Math.min(2 * held.length, this.#size));
      const larger = Buffer.allocUnsafeSlow(wanted);
      held.copy(larger, 0, 0, this.#gatheredBytes);
      this.#gathered = larger;
    }
    chunk.copy(this.#gathered ?? nothing, this.#gatheredBytes);
    this.#gatheredBytes = needed;
  }

  /** Memory taken by a packet that is not complete; to be asked when `next` found none. */
  get kept(): number {
    return this.#gathered?.length ?? this.bytes.length - this.#at;
  }

  /** Keeps of a large chunk no more than the beginning of a packet that is left of it. */
  compact(): void {
    const rest = this.bytes.length - this.#at;
    if (this.#gathered !== undefined || rest === 0 || this.#at < mostSpent) return;
    this.#gather(this.bytes.subarray(this.#at), 0);
    this.bytes = nothing;
    this.#at = 0;
  }

  /** The first byte of the packet that is coming in or comes next; undefined when none is there. */
  get peeked(): number | undefined {
    return (this.#gathered ?? this.bytes)[this.#at];
  }

  /**
   * Moves to the next packet; false when it isn't there in full.
   * @throws ProtocolViolation
   */
  next(): boolean {
    if (this.#gathered !== undefined) return false;
    const { bytes } = this;
    const available = bytes.length - this.#at;
    if (available < 1) return false;
    if (this.#size === 0 && !this.#readHeader()) return false;
    if (available < this.#size) return false;
    this.begin = this.#at;
    this.start = this.#at + this.#headerSize;
    this.end = this.#at + this.#size;
    this.#at = this.end;
    this.#size = 0;
    return true;
  }

  /** Reads the fixed header at `#at`; false when it isn't there in full. */
  #readHeader(): boolean {
    const { bytes } = this;
    const header = bytes[this.#at] ?? 0;
    this.#checkHeader(header);
    let remaining = 0;
    for (let i = 1; i <= 4; i++) {
      const byte = bytes[this.#at + i];
      if (byte === undefined) return false;
      remaining += (byte & 0x7f) << (7 * (i - 1));
      if (byte < 0x80) {
        const size = 1 + i + remaining;
        if (size > this.maxBytes) {
          throw new ProtocolViolation(
            'too_large',
            `a packet of ${size} bytes, over the limit of ${this.maxBytes}`,
          );
        }
        this.header = header;
        this.#headerSize = 1 + i;
        this.#size = size;
        return true;
      }
    }
    throw new ProtocolViolation('remaining_length', 'a remaining length of more than four bytes');
  }

  #checkHeader(header: number): void {
    const type = header >> 4;
    if (type === 0 || type === 15) throw new ProtocolViolation('unknown_type', `packet type ${type}`);
    if (fromServer.has(type))
      throw new ProtocolViolation('server_packet', `packet type ${type} from a client`);
    if (this.expectConnect && type !== packetType.connect) {
      throw new ProtocolViolation('not_connect', `the first packet is of type ${type}`);
    }
    if (!this.expectConnect && type === packetType.connect) {
      throw new ProtocolViolation('second_connect', 'a second CONNECT');
    }
    const flags = requiredFlags[type];
    if (flags !== undefined) {
      // [MQTT-2.2.2-2]
      if ((header & 15) !== flags) {
        throw new ProtocolViolation('header_flags', `flags ${header & 15} in a packet of type ${type}`);
      }
    } else if ((header & 6) === 6) {
      throw new ProtocolViolation('qos', 'QoS 3'); // [MQTT-3.3.1-4]
    } else if ((header & 14) === 8) {
      throw new ProtocolViolation('qos', 'DUP with QoS 0'); // [MQTT-3.3.1-2]
    }
  }
}
