import type { Origin } from './origin.js';

/**
 * The bytes of one entry of the reading log: the records that one group commit took for one shard.
 *
 * frame  := version(u8 = 1, or 2 when it holds an origin, a `held`, a `spoken` or a `tally`) record*
 * record := kind(u8) arrivedAt(f64, epoch ms) body
 * body   := message: flags(u8) client(u8 len) topic(u16 len) payload(u32 len) [size(u32)] [index(u32)]
 *                    [held(u32)] [origin(u32 len, JSON)]
 *           spoken: via(u8 len), then as message
 *           presence: online(u8) client(u8 len)
 *           tick, opened: nothing
 *           tally: shard(u16) shards(u16) tally(u32 len, JSON)
 */
export type LogRecord = MessageRecord | PresenceRecord | TimeRecord | TallyRecord;

/** What a device published, as it came. */
export interface MessageRecord {
  readonly kind: 'message';
  /** Pipeline time at which the broker had it, epoch ms. */
  readonly arrivedAt: number;
  /** MQTT client id of the publisher. */
  readonly client: string;
  readonly topic: string;
  /** The result of `encodeAddress` for this client and topic, where it is at hand. */
  readonly address?: Buffer | undefined;
  readonly payload: Buffer;
  /** The topic is not the publisher's own: to be quarantined under the publisher's name. */
  readonly foreignTopic?: boolean | undefined;
  /** The publisher has not proven to be the device (yet): to be quarantined as an unknown one. */
  readonly unregistered?: boolean | undefined;
  /** It was published with QoS 0. */
  readonly qos0?: boolean | undefined;
  /** Its topic's last message is kept for later subscribers, this one from now on. Not in the frame. */
  readonly retain?: boolean | undefined;
  /** Full size in bytes of a payload that was too large to keep whole. */
  readonly cutFrom?: number | undefined;
  /** It comes out of the quarantine: its first arrival is counted already. */
  readonly replayed?: boolean | undefined;
  /** How many messages or elements a replayed one stood for in quarantine. @defaultValue 1 */
  readonly held?: number | undefined;
  /** Of a replayed message of several items only the one at this position is meant. */
  readonly index?: number | undefined;
  /** Where it comes from that did not come from a device of ours: `client` is then the bridge. */
  readonly origin?: Origin | undefined;
  /** Where somebody else published it for the device: who, by the name that bridges have in the log. */
  readonly via?: string | undefined;
}

/**
 * A message as it comes out of a frame. Its payload is text nearly always and wanted as bytes hardly ever, so
 * the view is made only when it is asked for: making one costs more than parsing the reading.
 */
class PlainMessage implements MessageRecord {
  readonly kind = 'message';
  readonly arrivedAt: number;
  readonly client: string;
  readonly topic: string;
  readonly qos0: boolean;
  readonly via: string | undefined;
  readonly #frame: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(
    {
      arrivedAt,
      client,
      topic,
      qos0,
      via,
    }: Pick<PlainMessage, 'arrivedAt' | 'client' | 'topic' | 'qos0' | 'via'>,
    frame: Buffer,
    start: number,
    end: number,
  ) {
    this.arrivedAt = arrivedAt;
    this.client = client;
    this.topic = topic;
    this.qos0 = qos0;
    this.via = via;
    this.#frame = frame;
    this.#start = start;
    this.#end = end;
  }

  get payload(): Buffer {
    return this.#frame.subarray(this.#start, this.#end);
  }

  text(): string {
    return this.#frame.toString('utf8', this.#start, this.#end);
  }
}

/** The payload as text. */
export function payloadText(message: MessageRecord): string {
  return message instanceof PlainMessage ? message.text() : message.payload.toString('utf8');
}

/** A device connected or disconnected, by what the broker saw. */
export interface PresenceRecord {
  readonly kind: 'presence';
  readonly arrivedAt: number;
  readonly client: string;
  readonly online: boolean;
}

/** What one shard has of groups of devices that reach over several shards. */
export interface TallyRecord {
  readonly kind: 'tally';
  readonly arrivedAt: number;
  readonly shard: number;
  /** How many shards there are. */
  readonly shards: number;
  /** A `Tally` of the rules, as JSON. */
  readonly tally: string;
}

/**
 * `tick`: pipeline time has come to `arrivedAt`, and all that came before is in the log before it.
 * `opened`: the broker began to take messages; whatever was silent before may have been unheard.
 */
export type TimeRecord =
  | { readonly kind: 'tick'; readonly arrivedAt: number }
  | { readonly kind: 'opened'; readonly arrivedAt: number };

const plainVersion = 1;
/** With records that readers of version 1 would misread. */
const originVersion = 2;
const firstBytes = 16_384;
const kinds = ['message', 'presence', 'tick', 'opened', 'spoken', 'tally'] as const;
const flag = {
  foreignTopic: 1,
  cut: 2,
  replayed: 4,
  indexed: 8,
  origin: 16,
  unregistered: 32,
  held: 64,
  qos0: 128,
} as const;

/**
 * Collects records into a frame. The bytes are written as each record comes, so that nothing but bytes is
 * kept until the frame is taken.
 */
export class FrameBuilder {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #at = this.#bytes.writeUInt8(plainVersion, 0);
  /** Device messages in the frame. */
  messages = 0;

  add(record: LogRecord): void {
    const origin = record.kind === 'message' ? encodeOrigin(record.origin) : undefined;
    this.#reserve(sizeOf(record) + (origin?.length ?? 0));
    const bytes = this.#bytes;
    const via = record.kind === 'message' ? record.via : undefined;
    if (
      origin !== undefined ||
      via !== undefined ||
      record.kind === 'tally' ||
      (record.kind === 'message' && record.held !== undefined)
    ) {
      bytes.writeUInt8(originVersion, 0);
    }
    let at = bytes.writeUInt8(kinds.indexOf(via === undefined ? record.kind : 'spoken'), this.#at);
    at = bytes.writeDoubleBE(record.arrivedAt, at);
    if (via !== undefined) at = writeShort(bytes, at, via);
    if (record.kind === 'message') {
      this.messages++;
      at = writeMessage(bytes, at, record, origin);
    } else if (record.kind === 'presence') {
      at = bytes.writeUInt8(record.online ? 1 : 0, at);
      at = writeShort(bytes, at, record.client);
    } else if (record.kind === 'tally') {
      at = bytes.writeUInt16BE(record.shard, at);
      at = bytes.writeUInt16BE(record.shards, at);
      const length = bytes.write(record.tally, at + 4, 'utf8');
      at = bytes.writeUInt32BE(length, at) + length;
    }
    this.#at = at;
  }

  /** The frame; the builder is not to be used any more. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Packs records, in order, into one frame. */
export function encodeFrame(records: readonly LogRecord[]): Buffer {
  const builder = new FrameBuilder();
  for (const record of records) builder.add(record);
  return builder.take();
}

/** Client and topic as they stand in a frame, to be made once for a topic that is published to often. */
export function encodeAddress(client: string, topic: string): Buffer {
  const bytes = Buffer.alloc(3 + 3 * (client.length + topic.length));
  return bytes.subarray(0, writeAddress(bytes, 0, client, topic));
}

/**
 * Unpacks a frame. Payloads are views of the frame's memory.
 * @throws Error when the bytes are no frame of a version we know.
 */
export function decodeFrame(frame: Buffer): LogRecord[] {
  if (frame[0] !== plainVersion && frame[0] !== originVersion) {
    throw new Error(`log frame of unknown version ${frame[0]}`);
  }
  const records: LogRecord[] = [];
  let at = 1;
  while (at < frame.length) {
    const kind = kinds[frame.readUInt8(at)];
    const arrivedAt = frame.readDoubleBE(at + 1);
    at += 9;
    if (kind === 'message' || kind === 'spoken') {
      let via: string | undefined;
      if (kind === 'spoken') {
        const end = at + 1 + frame.readUInt8(at);
        via = frame.toString('utf8', at + 1, end);
        at = end;
      }
      const flags = frame.readUInt8(at);
      const clientEnd = at + 2 + frame.readUInt8(at + 1);
      const client = frame.toString('utf8', at + 2, clientEnd);
      const topicEnd = clientEnd + 2 + frame.readUInt16BE(clientEnd);
      const topic = frame.toString('utf8', clientEnd + 2, topicEnd);
      const payloadEnd = topicEnd + 4 + frame.readUInt32BE(topicEnd);
      at = payloadEnd;
      const qos0 = (flags & flag.qos0) !== 0;
      if ((flags & ~flag.qos0) === 0) {
        const plain = { arrivedAt, client, topic, qos0, via };
        records.push(new PlainMessage(plain, frame, topicEnd + 4, payloadEnd));
        continue;
      }
      const payload = frame.subarray(topicEnd + 4, payloadEnd);
      const cutFrom = (flags & flag.cut) !== 0 ? frame.readUInt32BE(at) : undefined;
      if (cutFrom !== undefined) at += 4;
      const index = (flags & flag.indexed) !== 0 ? frame.readUInt32BE(at) : undefined;
      if (index !== undefined) at += 4;
      const held = (flags & flag.held) !== 0 ? frame.readUInt32BE(at) : undefined;
      if (held !== undefined) at += 4;
      let origin: Origin | undefined;
      if ((flags & flag.origin) !== 0) {
        const end = at + 4 + frame.readUInt32BE(at);
        origin = JSON.parse(frame.toString('utf8', at + 4, end)) as Origin;
        at = end;
      }
      const foreignTopic = (flags & flag.foreignTopic) !== 0;
      const replayed = (flags & flag.replayed) !== 0;
      const unregistered = (flags & flag.unregistered) !== 0;
      const marks = { foreignTopic, unregistered, qos0, cutFrom, replayed, held, index, origin, via };
      records.push({ kind: 'message', arrivedAt, client, topic, payload, ...marks });
    } else if (kind === 'presence') {
      const online = frame.readUInt8(at) === 1;
      const end = at + 2 + frame.readUInt8(at + 1);
      records.push({ kind, arrivedAt, client: frame.toString('utf8', at + 2, end), online });
      at = end;
    } else if (kind === 'tally') {
      const [shard, shards] = [frame.readUInt16BE(at), frame.readUInt16BE(at + 2)];
      const end = at + 8 + frame.readUInt32BE(at + 4);
      records.push({ kind, arrivedAt, shard, shards, tally: frame.toString('utf8', at + 8, end) });
      at = end;
    } else if (kind === undefined) {
      throw new Error(`log frame with unknown record kind at byte ${at - 9}`);
    } else {
      records.push({ kind, arrivedAt });
    }
  }
  return records;
}

/** With its length before it, as it stands in the frame. */
function encodeOrigin(origin: Origin | undefined): Buffer | undefined {
  if (origin === undefined) return undefined;
  const json = Buffer.from(JSON.stringify(origin));
  const bytes = Buffer.allocUnsafe(4 + json.length);
  bytes.writeUInt32BE(json.length);
  bytes.set(json, 4);
  return bytes;
}

function sizeOf(record: LogRecord): number {
  // Strings are reserved at their UTF-8 maximum; the frame is cut to what was used.
  if (record.kind === 'message')
    return (
      30 +
      3 * (record.client.length + record.topic.length + (record.via?.length ?? 0)) +
      record.payload.length
    );
  if (record.kind === 'tally') return 17 + 3 * record.tally.length;
  return record.kind === 'presence' ? 11 + 3 * record.client.length : 9;
}

function writeMessage(
  bytes: Buffer,
  start: number,
  record: MessageRecord,
  origin: Buffer | undefined,
): number {
  const { client, topic, address, payload, cutFrom, index, held } = record;
  const flags =
    (record.foreignTopic === true ? flag.foreignTopic : 0) |
    (cutFrom !== undefined ? flag.cut : 0) |
    (record.replayed === true ? flag.replayed : 0) |
    (record.unregistered === true ? flag.unregistered : 0) |
    (record.qos0 === true ? flag.qos0 : 0) |
    (index !== undefined ? flag.indexed : 0) |
    (held !== undefined ? flag.held : 0) |
    (origin !== undefined ? flag.origin : 0);
  let at = bytes.writeUInt8(flags, start);
  if (address === undefined) at = writeAddress(bytes, at, client, topic);
  else {
    bytes.set(address, at);
    at += address.length;
  }
  at = bytes.writeUInt32BE(payload.length, at);
  bytes.set(payload, at);
  at += payload.length;
  if (cutFrom !== undefined) at = bytes.writeUInt32BE(cutFrom, at);
  if (index !== undefined) at = bytes.writeUInt32BE(index, at);
  if (held !== undefined) at = bytes.writeUInt32BE(held, at);
  if (origin !== undefined) {
    bytes.set(origin, at);
    at += origin.length;
  }
  return at;
}

function writeAddress(bytes: Buffer, start: number, client: string, topic: string): number {
  const at = writeShort(bytes, start, client);
  const topicBytes = bytes.write(topic, at + 2, 'utf8');
  bytes.writeUInt16BE(topicBytes, at);
  return at + 2 + topicBytes;
}

function writeShort(bytes: Buffer, at: number, text: string): number {
  const length = bytes.write(text, at + 1, 'utf8');
  bytes.writeUInt8(length, at);
  return at + 1 + length;
}
