import { z } from 'zod';
import { metricsOf } from '../../metric.js';
import { describeIssue } from '../describe-issue.js';
import { Gathered } from '../gather.js';
import { parseJson } from '../parse-json.js';
import type { Profile, ProfileItem, ProfileResult, VendorMessage } from '../profile.js';

/**
 * ChirpStack v4, JSON (https://www.chirpstack.io/docs/chirpstack/integrations/events.html):
 * `application/{id}/device/{DevEUI}/event/{up|join|status|…}`. What an uplink measured is in `object`, which
 * the codec of its device profile decoded; without a codec there are only bytes that we can't read.
 */
export const profile: Profile = {
  name: 'chirpstack',
  topics: ['application/+/device/+/event/+'],
  deviceClasses: ['sensor'],
  decode,
};

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const device = z.looseObject({
  time,
  deviceInfo: z.looseObject({ devEui: z.string().regex(/^[0-9a-f]{16}$/i, 'must be a DevEUI') }),
});
const upSchema = device.extend({
  fPort: z.int().optional(),
  data: z.string().optional(),
  object: z.record(z.string(), z.unknown()).optional(),
  rxInfo: z.array(z.looseObject({ rssi: z.number().optional() })).default([]),
});
const statusSchema = device.extend({
  externalPowerSource: z.boolean().default(false),
  batteryLevelUnavailable: z.boolean().default(false),
  // protobuf's JSON leaves out what is zero.
  batteryLevel: z.number().default(0),
});

function decode(message: VendorMessage): ProfileResult {
  const levels = message.topic.split('/');
  if (levels.at(-2) !== 'event') return { ignored: 'no event of a device' };
  const event = levels.at(-1) ?? '';
  if (!['up', 'join', 'status'].includes(event)) return { ignored: `event ${event}` };
  const body = parseJson(message);
  if ('rejection' in body) return body;
  if (event === 'up') return up(message, body.value);
  return event === 'join' ? join(body.value) : status(body.value);
}

function up(message: VendorMessage, body: unknown): ProfileResult {
  const checked = upSchema.safeParse(body);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { time: ts, deviceInfo, fPort, data, object, rxInfo } = checked.data;
  const name = deviceInfo.devEui.toLowerCase();
  if (object === undefined) {
    // Port 0 and empty frames are the radio's own: they say no more than that the device is there.
    if (fPort === undefined || fPort === 0 || data === undefined || data === '') return online(name, ts);
    const detail = 'the uplink is not decoded: set a codec in its ChirpStack device profile';
    return { items: [{ kind: 'rejection', device: name, rejection: { reason: 'wrong_shape', detail } }] };
  }
  const gathered = new Gathered(message.deviceClass);
  for (const [path, value] of leaves(object)) gathered.take(path, value);
  if (gathered.isEmpty)
    return { items: [{ kind: 'rejection', device: name, rejection: gathered.rejection }] };
  const rssi = Math.max(...rxInfo.map((gateway) => gateway.rssi ?? -Infinity));
  // LoRa hears down to -137 dBm, which is no level of the radios the metric is meant for.
  const range = metricsOf[message.deviceClass]['rssi_dbm'];
  if (range?.kind === 'number' && rssi >= range.min && rssi <= range.max) gathered.take('rssi_dbm', rssi);
  const { ignored, metrics } = gathered;
  return { items: [{ kind: 'reading', device: name, reading: { ts, ...metrics }, ignored }] };
}

function join(body: unknown): ProfileResult {
  const checked = device.safeParse(body);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { time: ts, deviceInfo } = checked.data;
  const name = deviceInfo.devEui.toLowerCase();
  const event: ProfileItem = { kind: 'notice', device: name, stream: 'event', body: { ts, e: 'join' } };
  return { items: [event, ...online(name, ts).items] };
}

function status(body: unknown): ProfileResult {
  const checked = statusSchema.safeParse(body);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { time: ts, deviceInfo, externalPowerSource, batteryLevelUnavailable, batteryLevel } = checked.data;
  const name = deviceInfo.devEui.toLowerCase();
  if (externalPowerSource || batteryLevelUnavailable) return online(name, ts);
  return { items: [{ kind: 'reading', device: name, reading: { ts, m: { battery_pct: batteryLevel } } }] };
}

function online(name: string, ts: number): { items: readonly ProfileItem[] } {
  return { items: [{ kind: 'notice', device: name, stream: 'state', body: { s: 'online', ts } }] };
}

/** The values of a decoded object under their own names; some codecs group them. */
function* leaves(object: object): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === 'object' && value !== null) yield* leaves(value as object);
    else yield [name, value];
  }
}
