import { z } from 'zod';
import { describeIssue } from '../describe-issue.js';
import { Gathered } from '../gather.js';
import { parseJson } from '../parse-json.js';
import type { Profile, ProfileResult, VendorMessage } from '../profile.js';

/**
 * Zigbee2MQTT (https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html): `{base}/{friendly name}`
 * with the device's state as JSON, where a friendly name may have slashes in it and `base` is one level;
 * `{base}/{friendly name}/availability`; `{base}/bridge/…` of the gateway itself.
 */
export const profile: Profile = {
  name: 'zigbee2mqtt',
  topics: ['zigbee2mqtt/#'],
  deviceClasses: ['sensor'],
  decode,
};

/** Values that say nothing about the room: the radio's, the battery's voltage, settings of the device. */
const uninteresting = new Set([
  'linkquality',
  'voltage',
  'last_seen',
  'update',
  'update_available',
  'device',
]);

// `last_seen` is a setting of Zigbee2MQTT: ISO 8601 (UTC or local), epoch ms, or not there.
const stateSchema = z.looseObject({
  last_seen: z.union([z.int(), z.iso.datetime({ offset: true, local: true })]).nullish(),
});
// Up to 1.x without `availability_payload: json` it is the bare word.
const availabilitySchema = z.union([
  z.enum(['online', 'offline']).transform((state) => ({ state })),
  z.looseObject({ state: z.enum(['online', 'offline']) }),
]);

function decode(message: VendorMessage): ProfileResult {
  const levels = message.topic.split('/').slice(1);
  const last = levels.at(-1);
  if (levels[0] === 'bridge') {
    if (message.topic.split('/')[2] !== 'state') return { ignored: 'administration of the gateway' };
    return availability(message, 'bridge', 'gateway');
  }
  if (last === 'set' || last === 'get' || levels.at(-2) === 'set' || levels.at(-2) === 'get') {
    return { ignored: 'a command to a device' };
  }
  if (last === 'availability') return availability(message, levels.slice(0, -1).join('/'));
  return state(message, levels.join('/'));
}

function availability(message: VendorMessage, device: string, deviceClass?: 'gateway'): ProfileResult {
  const body = message.text().startsWith('{') ? parseJson(message) : { value: message.text() };
  if ('rejection' in body) return body;
  const checked = availabilitySchema.safeParse(body.value);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const notice = { s: checked.data.state, ts: message.arrivedAt };
  return { items: [{ kind: 'notice', device, deviceClass, stream: 'state', body: notice }] };
}

function state(message: VendorMessage, device: string): ProfileResult {
  const body = parseJson(message);
  if ('rejection' in body) return body;
  const checked = stateSchema.safeParse(body.value);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { last_seen: lastSeen, ...values } = checked.data;
  const gathered = new Gathered(message.deviceClass);
  for (const [name, value] of Object.entries(values)) {
    // A device that has not reported a value yet has it as null.
    if (value !== null && !uninteresting.has(name)) gathered.take(name, value);
  }
  if (gathered.isEmpty) return { items: [{ kind: 'rejection', device, rejection: gathered.rejection }] };
  const { ignored, metrics } = gathered;
  const ts = timeOf(lastSeen);
  return {
    items: [
      ts === undefined
        ? { kind: 'reading', device, time: 'arrival', reading: metrics, ignored }
        : { kind: 'reading', device, reading: { ts, ...metrics }, ignored },
    ],
  };
}

/** A local time says no zone: the arrival is nearer to the truth than a guess. */
function timeOf(lastSeen: string | number | null | undefined): number | undefined {
  if (typeof lastSeen === 'number') return lastSeen;
  if (typeof lastSeen !== 'string' || !/(Z|[+-]\d\d:\d\d)$/.test(lastSeen)) return undefined;
  return Date.parse(lastSeen);
}
