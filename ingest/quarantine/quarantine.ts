import type { RejectReason, Rejection } from '../../devices/telemetry.js';
import type { Source } from '../stages/decoded.js';

/** Something that could not be understood, as it is kept: whole, with the reason. */
export interface Quarantined {
  readonly reason: RejectReason;
  readonly detail: string;
  readonly client: string;
  readonly topic: string;
  readonly arrivedAt: number;
  readonly payload: Buffer;
  /** Position in the array that the payload is; the other elements are not in quarantine because of it. */
  readonly index?: number | undefined;
  readonly cutFrom?: number | undefined;
}

/** Of an array longer than this only the element in question is kept, or one message would be kept many times. */
const wholePayloadBytes = 8192;

/** What to keep of a rejected message or of the elements of it that were rejected. */
export function toQuarantine(
  { message, index, indexes }: Source,
  { reason, detail }: Rejection,
): Quarantined {
  const base = { reason, detail, client: message.client, topic: message.topic, arrivedAt: message.arrivedAt };
  if (indexes !== undefined) {
    const elements = JSON.parse(message.payload.toString('utf8')) as unknown[];
    return { ...base, payload: Buffer.from(JSON.stringify(indexes.map((i) => elements[i]))) };
  }
  if (index === undefined || message.payload.length <= wholePayloadBytes) {
    return { ...base, payload: message.payload, index, cutFrom: message.cutFrom };
  }
  const elements = JSON.parse(message.payload.toString('utf8')) as unknown[];
  return { ...base, payload: Buffer.from(JSON.stringify(elements[index])) };
}
