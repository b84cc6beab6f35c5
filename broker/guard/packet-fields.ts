import { isUtf8 } from 'node:buffer';
import { ProtocolViolation } from './violation.js';

/** Reads the fields of one packet in order; each read throws a ProtocolViolation where they end too early. */
export class PacketFields {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    return this.bytes[this.#take(1)] ?? 0;
  }

  short(): number {
    return this.bytes.readUInt16BE(this.#take(2));
  }

  /** A packet identifier, which is never 0 [MQTT-2.3.1-1]. */
  packetId(): number {
    const id = this.short();
    if (id === 0) throw new ProtocolViolation('packet_id', 'packet identifier 0');
    return id;
  }

  /** Binary data after its two bytes of length. */
  binary(): Buffer {
    const length = this.short();
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A string after its two bytes of length, as MQTT wants it. */
  text(): string {
    const length = this.short();
    const start = this.#take(length);
    return mqttText(this.bytes, start, start + length);
  }

  /** Nothing may follow. */
  finish(): void {
    if (!this.atEnd) throw new ProtocolViolation('trailing_bytes', `${this.end - this.at} bytes too many`);
  }

  #take(length: number): number {
    const start = this.at;
    if (start + length > this.end) throw new ProtocolViolation('truncated', 'a field ends after its packet');
    this.at = start + length;
    return start;
  }
}

/**
 * The string in these bytes. Ill-formed UTF-8, surrogates and U+0000 close the connection [MQTT-1.5.3-1],
 * [MQTT-1.5.3-2]; other control characters may, and here don't: they harm nobody, and what a device sends
 * under a strange name goes to the quarantine instead of being sent again for ever.
 * @throws ProtocolViolation
 */
export function mqttText(bytes: Buffer, start: number, end: number): string {
  let ascii = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 0) throw new ProtocolViolation('utf8', 'U+0000 in a string');
    if (byte > 127) ascii = false;
  }
  if (ascii) return bytes.toString('latin1', start, end);
  if (!isUtf8(bytes.subarray(start, end))) throw new ProtocolViolation('utf8', 'a string that is no UTF-8');
  return bytes.toString('utf8', start, end);
}
