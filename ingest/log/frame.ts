/**
 * The bytes of one entry of the reading log: the records that one group commit took for one shard.
 *
 * frame  := version(u8 = 1) record*
 * record := kind(u8) arrivedAt(f64, epoch ms) body
 * body   := message: flags(u8) client(u8 len) topic(u16 len) payload(u32 len) [size(u32)] [index(u32)]
 *           presence: online(u8) client(u8 len)
 *           tick, opened: nothing
 */
export type LogRecord = MessageRecord | PresenceRecord | TimeRecord;

/** What a device published, as it came. */
export interface MessageRecord {
  readonly kind: 'message';
  /** Pipeline time at which the broker had it, epoch ms. */
  readonly arrivedAt: number;
  /** MQTT client id of the publisher. */
  readonly client: string;
  readonly topic: string;
  readonly payload: Buffer;
  /** The topic is not the publisher's own: to be quarantined under the publisher's name. */
  readonly foreignTopic?: boolean | undefined;
  /** Full size in bytes of a payload that was too large to keep whole. */
  readonly cutFrom?: number | undefined;
  /** It comes out of the quarantine: its first arrival is counted already. */
  readonly replayed?: boolean | undefined;
  /** Of a replayed array only the element at this position is meant. */
  readonly index?: number | undefined;
}

/** A device connected or disconnected, by what the broker saw. */
export interface PresenceRecord {
  readonly kind: 'presence';
  readonly arrivedAt: number;
  readonly client: string;
  readonly online: boolean;
}

/**
 * `tick`: pipeline time has come to `arrivedAt`, and all that came before is in the log before it.
 * `opened`: the broker began to take messages; whatever was silent before may have been unheard.
 */
export type TimeRecord =
  { readonly kind: 'tick'; readonly arrivedAt: number } | { readonly kind: 'opened'; readonly arrivedAt: number };

const version = 1;
const kinds = ['message', 'presence', 'tick', 'opened'] as const;
const flag = { foreignTopic: 1, cut: 2, replayed: 4, indexed: 8 } as const;

/** Packs records, in order, into one frame. */
export function encodeFrame(records: readonly LogRecord[]): Buffer {
  let size = 1;
  for (const record of records) size += sizeOf(record);
  const frame = Buffer.allocUnsafe(size);
  let at = frame.writeUInt8(version, 0);
  for (const record of records) {
    at = frame.writeUInt8(kinds.indexOf(record.kind), at);
    at = frame.writeDoubleBE(record.arrivedAt, at);
    if (record.kind === 'message') at = writeMessage(frame, at, record);
    else if (record.kind === 'presence') {
      at = frame.writeUInt8(record.online ? 1 : 0, at);
      at = writeShort(frame, at, record.client);
    }
  }
  return frame.subarray(0, at);
}

/**
 * Unpacks a frame. Payloads are views of the frame's memory.
 * @throws Error when the bytes are no frame of a version we know.
 */
export function decodeFrame(frame: Buffer): LogRecord[] {
  if (frame[0] !== version) throw new Error(`log frame of unknown version ${frame[0]}`);
  const records: LogRecord[] = [];
  let at = 1;
  while (at < frame.length) {
    const kind = kinds[frame.readUInt8(at)];
    const arrivedAt = frame.readDoubleBE(at + 1);
    at += 9;
    if (kind === 'message') {
      const flags = frame.readUInt8(at);
      const clientEnd = at + 2 + frame.readUInt8(at + 1);
      const client = frame.toString('utf8', at + 2, clientEnd);
      const topicEnd = clientEnd + 2 + frame.readUInt16BE(clientEnd);
      const topic = frame.toString('utf8', clientEnd + 2, topicEnd);
      const payloadEnd = topicEnd + 4 + frame.readUInt32BE(topicEnd);
      const payload = frame.subarray(topicEnd + 4, payloadEnd);
      at = payloadEnd;
      if (flags === 0) {
        records.push({ kind, arrivedAt, client, topic, payload });
        continue;
      }
      const cutFrom = (flags & flag.cut) !== 0 ? frame.readUInt32BE(at) : undefined;
      if (cutFrom !== undefined) at += 4;
      const index = (flags & flag.indexed) !== 0 ? frame.readUInt32BE(at) : undefined;
      if (index !== undefined) at += 4;
      const foreignTopic = (flags & flag.foreignTopic) !== 0;
      const replayed = (flags & flag.replayed) !== 0;
      records.push({ kind, arrivedAt, client, topic, payload, foreignTopic, cutFrom, replayed, index });
    } else if (kind === 'presence') {
      const online = frame.readUInt8(at) === 1;
      const end = at + 2 + frame.readUInt8(at + 1);
      records.push({ kind, arrivedAt, client: frame.toString('utf8', at + 2, end), online });
      at = end;
    } else if (kind === undefined) {
      throw new Error(`log frame with unknown record kind at byte ${at - 9}`);
    } else {
      records.push({ kind, arrivedAt });
    }
  }
  return records;
}

function sizeOf(record: LogRecord): number {
  // Strings are reserved at their UTF-8 maximum; the frame is cut to what was used.
  if (record.kind === 'message') return 25 + 3 * (record.client.length + record.topic.length) + record.payload.length;
  return record.kind === 'presence' ? 11 + 3 * record.client.length : 9;
}

function writeMessage(frame: Buffer, start: number, record: MessageRecord): number {
  const flags =
    (record.foreignTopic === true ? flag.foreignTopic : 0) |
    (record.cutFrom !== undefined ? flag.cut : 0) |
    (record.replayed === true ? flag.replayed : 0) |
    (record.index !== undefined ? flag.indexed : 0);
  let at = frame.writeUInt8(flags, start);
  at = writeShort(frame, at, record.client);
  const topicBytes = frame.write(record.topic, at + 2, 'utf8');
  frame.writeUInt16BE(topicBytes, at);
  at += 2 + topicBytes;
  at = frame.writeUInt32BE(record.payload.length, at);
  record.payload.copy(frame, at);
  at += record.payload.length;
  if (record.cutFrom !== undefined) at = frame.writeUInt32BE(record.cutFrom, at);
  if (record.index !== undefined) at = frame.writeUInt32BE(record.index, at);
  return at;
}

function writeShort(frame: Buffer, at: number, text: string): number {
  const bytes = frame.write(text, at + 1, 'utf8');
  frame.writeUInt8(bytes, at);
  return at + 1 + bytes;
}
