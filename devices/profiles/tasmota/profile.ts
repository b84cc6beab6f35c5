import { z } from 'zod';
import { describeIssue } from '../describe-issue.js';
import { Gathered } from '../gather.js';
import { parseJson } from '../parse-json.js';
import type { Profile, ProfileItem, ProfileResult, VendorMessage } from '../profile.js';
import { readQuantity } from '../quantity.js';

/**
 * Tasmota (https://tasmota.github.io/docs/MQTT/, /docs/JSON-Status-Responses/): `tele/{topic}/SENSOR`,
 * `STATE`, `LWT` and `INFO1`, or, with the other usual FullTopic, `{topic}/tele/SENSOR` and so on.
 */
export const profile: Profile = {
  name: 'tasmota',
  topics: ['tele/+/SENSOR', 'tele/+/STATE', 'tele/+/LWT', 'tele/+/INFO1'],
  deviceClasses: ['sensor', 'whiteboard'],
  decode,
};

const timed = { Time: z.string().optional() };
const sensorSchema = z.looseObject({ ...timed, TempUnit: z.enum(['C', 'F']).optional() });
const stateSchema = z.looseObject({
  ...timed,
  POWER: z.enum(['ON', 'OFF']).optional(),
  // RSSI is a quality in percent here; the level in dBm is `Signal`.
  Wifi: z.looseObject({ Signal: z.number().optional() }).optional(),
});
const infoSchema = z.looseObject({ Info1: z.looseObject({ Module: z.string(), Version: z.string() }) });

function decode(message: VendorMessage): ProfileResult {
  const levels = message.topic.split('/');
  const what = levels.pop();
  const prefix = levels[0] === 'tele' ? levels.shift() : levels.pop();
  const device = levels.join('/');
  if (prefix !== 'tele') return { ignored: 'an answer or a command, no telemetry' };
  if (what === 'LWT') return lastWill(message, device);
  if (what !== 'SENSOR' && what !== 'STATE' && what !== 'INFO1') return { ignored: `tele/${what ?? ''}` };
  const body = parseJson(message);
  if ('rejection' in body) return body;
  if (what === 'INFO1') return info(body.value, device);
  return what === 'SENSOR' ? sensor(message, body.value, device) : state(message, body.value, device);
}

function lastWill(message: VendorMessage, device: string): ProfileResult {
  const word = message.text().toLowerCase();
  if (word !== 'online' && word !== 'offline') {
    return { rejection: { reason: 'wrong_shape', detail: 'LWT is neither Online nor Offline' } };
  }
  return { items: [{ kind: 'notice', device, stream: 'state', body: { s: word, ts: message.arrivedAt } }] };
}

function info(body: unknown, device: string): ProfileResult {
  const checked = infoSchema.safeParse(body);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { Module: model, Version: firmware } = checked.data.Info1;
  return { items: [{ kind: 'notice', device, stream: 'meta', body: { model, firmware } }] };
}

/** Each sensor chip has an object of its own; of two that measure the same the second becomes a part. */
function sensor(message: VendorMessage, body: unknown, device: string): ProfileResult {
  const checked = sensorSchema.safeParse(body);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { Time, TempUnit = 'C', ...chips } = checked.data;
  const gathered = new Gathered(message.deviceClass);
  for (const [chip, values] of Object.entries(chips)) {
    if (typeof values !== 'object' || values === null) continue;
    for (const [name, value] of Object.entries(values)) {
      if (name === 'Id') continue;
      const unit = name === 'Temperature' ? TempUnit : undefined;
      const quantity = readQuantity(message.deviceClass, name, value, unit);
      if (quantity === undefined || !(quantity.metric in gathered.m)) gathered.take(name, value, unit);
      else gathered.take(name, value, unit, chip);
    }
  }
  return toResult(message, device, gathered, Time);
}

function state(message: VendorMessage, body: unknown, device: string): ProfileResult {
  const checked = stateSchema.safeParse(body);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { Time, POWER, Wifi } = checked.data;
  const gathered = new Gathered(message.deviceClass);
  if (Wifi?.Signal !== undefined) gathered.take('rssi_dbm', Wifi.Signal);
  if (POWER !== undefined) gathered.take('power', POWER.toLowerCase());
  if (!gathered.isEmpty) return toResult(message, device, gathered, Time);
  // It reports, so it is there: of a device without metrics for what it reports that much is worth keeping.
  const notice: ProfileItem = {
    kind: 'notice',
    device,
    stream: 'state',
    body: { s: 'online', ts: message.arrivedAt },
  };
  return { items: [notice] };
}

function toResult(
  message: VendorMessage,
  device: string,
  gathered: Gathered,
  time: string | undefined,
): ProfileResult {
  if (gathered.isEmpty) return { items: [{ kind: 'rejection', device, rejection: gathered.rejection }] };
  const { ignored, metrics } = gathered;
  const ts = time === undefined ? undefined : resolveTime(time, message.arrivedAt);
  return {
    items: [
      ts === undefined
        ? { kind: 'reading', device, time: 'arrival', reading: metrics, ignored }
        : { kind: 'reading', device, reading: { ts, ...metrics }, ignored },
    ],
  };
}

const quarterHourMs = 900_000;

/**
 * `Time` is local and says no zone. Zones differ by quarters of an hour and Tasmota keeps nothing for later,
 * so it is the zone that brings the time nearest to the arrival; a clock that is off by minutes stays so.
 */
function resolveTime(text: string, arrivedAt: number): number | undefined {
  const utc = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(utc)) return undefined;
  return utc + Math.round((arrivedAt - utc) / quarterHourMs) * quarterHourMs;
}
