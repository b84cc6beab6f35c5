import { deviceClasses } from '../../device-class.js';
import type { DeviceClass } from '../../device-class.js';
import { Gathered } from '../gather.js';
import { parseJson } from '../parse-json.js';
import type { Profile, ProfileItem, ProfileResult, VendorMessage } from '../profile.js';
import { isQuantity } from '../quantity.js';
import { resolvePack } from './resolve-pack.js';
import type { ResolvedRecord } from './resolve-pack.js';

/**
 * SenML in JSON (RFC 8428). A record's name is the device's up to its last `:`, `/` or `.` and the metric's
 * after it; a name that ends in no metric is the device's own and the unit says what was measured. A name
 * without a separator is a metric of the device that the topic ends in.
 */
export const profile: Profile = {
  name: 'senml',
  topics: ['senml/#'],
  deviceClasses,
  // The URN's own part is long and the same for all: what tells devices apart comes after it.
  deviceId: (name) => name.replace(/^urn:dev:(mac|ow|org|os|ops):/, ''),
  decode,
};

/** What a unit measures where the name doesn't say (RFC 8428, section 12.1; RFC 8798). */
const quantityOfUnit: Readonly<Record<string, string>> = {
  Cel: 'temperature',
  K: 'temperature',
  '%RH': 'humidity',
  lx: 'illuminance',
  '%EL': 'battery',
};

function decode(message: VendorMessage): ProfileResult {
  const body = parseJson(message);
  if ('rejection' in body) return body;
  const pack = resolvePack(body.value, message.arrivedAt);
  if ('reason' in pack) return { rejection: pack };
  const readings = new Map<string, { device: string; ts: number; gathered: Gathered }>();
  for (const record of pack) {
    const { device, quantity } = subjectOf(record, message);
    const key = `${record.ts} ${device}`;
    let reading = readings.get(key);
    if (reading === undefined) {
      reading = { device, ts: record.ts, gathered: new Gathered(message.deviceClass) };
      readings.set(key, reading);
    }
    reading.gathered.take(quantity, valueOf(record, message.deviceClass, quantity), unitOf(record));
  }
  return { items: [...readings.values()].map(toItem) };
}

function toItem({ device, ts, gathered }: { device: string; ts: number; gathered: Gathered }): ProfileItem {
  const { isEmpty, rejection, metrics, ignored } = gathered;
  if (isEmpty) return { kind: 'rejection', device, rejection };
  return { kind: 'reading', device, reading: { ts, ...metrics }, ignored };
}

function subjectOf(
  { name, unit }: ResolvedRecord,
  { topic, deviceClass }: VendorMessage,
): { device: string; quantity: string } {
  const end = Math.max(name.lastIndexOf(':'), name.lastIndexOf('/'), name.lastIndexOf('.'));
  const last = name.slice(end + 1);
  const byUnit = unit === undefined ? undefined : quantityOfUnit[unit];
  if (byUnit !== undefined && end >= 0 && last !== '' && !isQuantity(deviceClass, last)) {
    return { device: name, quantity: byUnit };
  }
  const topicEnd = topic.slice(topic.lastIndexOf('/') + 1);
  return { device: end < 0 ? topicEnd : name.slice(0, end), quantity: last || (byUnit ?? '') };
}

/** A sum is the integral of a value over time: it is a counter of ours, or nothing that we know. */
function valueOf(record: ResolvedRecord, deviceClass: DeviceClass, quantity: string): unknown {
  if (record.value !== undefined) return record.value;
  const isCounter = /_(bytes|hours|count|errors)$/.test(quantity) && isQuantity(deviceClass, quantity);
  return isCounter ? record.sum : undefined;
}

/** The integral of bytes a second are bytes. */
function unitOf({ value, unit }: ResolvedRecord): string | undefined {
  return value === undefined ? unit?.replace(/\/s$/, '') : unit;
}
