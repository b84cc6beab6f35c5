import type { DeviceClass } from '../../devices/device-class.js';
import type { RejectReason, Rejection } from '../../devices/telemetry.js';
import type { Origin } from '../log/origin.js';
import type { Source } from '../stages/decoded.js';

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
}

/** Of an array longer than this only the element in question is kept, or one message would be kept many times. */
const wholePayloadBytes = 8192;

/** What to keep of a rejected message or of the elements of it that were rejected. */
export function toQuarantine(
  { message, index, indexes }: Source,
  { device, site, deviceClass }: Subject,
  { reason, detail }: Rejection,
): Quarantined {
  const { client, topic, arrivedAt, payload, cutFrom, origin } = message;
  const base = { reason, detail, device, site, deviceClass, client, topic, arrivedAt, origin };
  if (indexes !== undefined) {
    const elements = JSON.parse(payload.toString('utf8')) as unknown[];
    return { ...base, payload: Buffer.from(JSON.stringify(indexes.map((i) => elements[i]))) };
  }
  if (index === undefined || origin !== undefined || payload.length <= wholePayloadBytes) {
    return { ...base, payload, index, cutFrom };
  }
  const elements = JSON.parse(payload.toString('utf8')) as unknown[];
  return { ...base, payload: Buffer.from(JSON.stringify(elements[index])) };
}
