import type { DeviceClass } from '../../devices/device-class.js';
import type { RejectReason, Rejection } from '../../devices/telemetry.js';
import type { MessageRecord } from '../log/frame.js';
import type { Origin } from '../log/origin.js';
import type { Source } from '../stages/decoded.js';
import { arrayElements } from './array-elements.js';

/** Whose a message is, as far as that is known: its device, else the client that published it. */
export interface Subject {
  readonly device: string;
  readonly site?: string | undefined;
  readonly deviceClass?: DeviceClass | undefined;
}

/** Something that could not be understood, as it is kept: whole, with the reason. */
export interface Quarantined extends Subject {
  readonly reason: RejectReason;
  readonly detail: string;
  /** Who published it. */
  readonly client: string;
  readonly topic: string;
  readonly arrivedAt: number;
  readonly payload: Buffer;
  /** Position among the items of the payload; the others are not in quarantine because of it. */
  readonly index?: number | undefined;
  readonly origin?: Origin | undefined;
  readonly cutFrom?: number | undefined;
  /** Elements of one array that are kept as one item; each is counted. @defaultValue 1 */
  readonly count?: number | undefined;
}

/**
 * What to keep of a rejected message or of the elements of it that were rejected. Of an array of ours only the
 * elements in question are kept, byte by byte, or one message would be kept many times.
 */
export function toQuarantine(
  { message, index, indexes }: Source,
  { device, site, deviceClass }: Subject,
  { reason, detail }: Rejection,
): Quarantined {
  const { client, topic, arrivedAt, payload, cutFrom, origin } = message;
  const base = { reason, detail, device, site, deviceClass, client, topic, arrivedAt, origin };
  // Of a vendor's payload no part can be cut out.
  if (origin !== undefined || (index === undefined && indexes === undefined)) {
    return { ...base, payload, index, cutFrom };
  }
  const elements = elementsOf(message);
  if (indexes === undefined) return { ...base, payload: Buffer.from(elements[index ?? 0] ?? payload) };
  return {
    ...base,
    count: indexes.length,
    payload: Buffer.from(`[${indexes.map((i) => elements[i]?.toString() ?? 'null').join()}]`),
  };
}

const elementsFound = new WeakMap<MessageRecord, readonly Buffer[]>();

/** The elements of the array that the message is; looked for once, however many of them are wrong. */
function elementsOf(message: MessageRecord): readonly Buffer[] {
  let elements = elementsFound.get(message);
  if (elements === undefined) elementsFound.set(message, (elements = arrayElements(message.payload)));
  return elements;
}
