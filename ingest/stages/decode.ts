import { applyProfile } from '../../devices/profiles/apply-profile.js';
import type { AppliedItem } from '../../devices/profiles/apply-profile.js';
import { campusTopic, profile as campusProfile } from '../../devices/profiles/campus/profile.js';
import { deviceIdOf } from '../../devices/profiles/device-id.js';
import type { Profile } from '../../devices/profiles/profile.js';
import type { Rejection } from '../../devices/telemetry.js';
import type { DeviceTopic } from '../../devices/topic.js';
import type { LogRecord, MessageRecord } from '../log/frame.js';
import { formatSeconds } from '../../rules/duration.js';
import { vendorMessage } from '../log/vendor-message.js';
import type { RefusedNumber } from '../ledger/seen-readings.js';
import type { Decoded, DecodedRejection, Source } from './decoded.js';

/** How far a reading's time may be from its arrival, in ms. */
export interface TimeLimits {
  readonly latenessMs: number;
  readonly futureMs: number;
  readonly maxAgeMs: number;
}

/** Wrong items of one message that are quarantined one by one, each with its own reason. */
const mostRejectionsApart = 100;
/** The same for a vendor's message of more than `largeBytes`, of which each item keeps the whole payload. */
const mostLargeRejectionsApart = 8;
const largeBytes = 8192;

/**
 * Turns a record of the log into what it means: readings, notices, or rejections with their reason. Depends
 * on nothing but the record and the profiles, so whoever decodes it again comes to the same result.
 */
export function createDecoder(
  limits: TimeLimits,
  profiles: ReadonlyMap<string, Profile>,
): (record: LogRecord) => readonly Decoded[] {
  return (record) => {
    if (record.kind !== 'message') return [record];
    const { origin } = record;
    const profile = origin === undefined ? campusProfile : profiles.get(origin.profile);
    if (profile !== undefined) return decodeWhatever(record, profile, limits);
    const detail = `there is no profile "${origin?.profile ?? ''}"`;
    return [
      { kind: 'rejection', source: { message: record }, rejection: { reason: 'unknown_profile', detail } },
    ];
  };
}

function elsewhere({ site, deviceClass, device }: DeviceTopic): string {
  return `device "${device}" is registered, but not as ${deviceClass} at site "${site}": see "campus devices show ${device}"`;
}

/** An acknowledged message must not stop the ones behind it, whatever it does to us. */
function decodeWhatever(message: MessageRecord, profile: Profile, limits: TimeLimits): readonly Decoded[] {
  try {
    return decodeMessage(message, profile, limits);
  } catch (error) {
    const detail = `a mistake of ours: ${error instanceof Error ? error.message : String(error)}`;
    return rejectWhole(message, { reason: 'internal_error', detail });
  }
}

function decodeMessage(message: MessageRecord, profile: Profile, limits: TimeLimits): readonly Decoded[] {
  const refused = refusal(message);
  if (refused !== undefined) return rejectWhole(message, refused);
  const applied = applyProfile(profile, vendorMessage(message, message.origin));
  if ('rejection' in applied) return rejectWhole(message, applied.rejection);
  if ('ignored' in applied) return [{ kind: 'nothing', source: { message }, profile: profile.name }];
  const { items } = applied;
  const decode = (item: AppliedItem, index: number | undefined) =>
    decodeItem({ message, index }, item, whose(message, profile, item), limits);
  if (message.index !== undefined) {
    const item = items[message.index];
    if (item !== undefined) return [decode(item, message.index)];
    const detail = `the message no longer has an item at ${message.index}`;
    return rejectWhole(message, { reason: 'wrong_shape', detail });
  }
  const [only] = items;
  if (items.length === 1 && only !== undefined) return [decode(only, undefined)];
  return gatherRejections(message, items.map(decode));
}

/** Why a message isn't looked into at all. */
function refusal(message: MessageRecord): Rejection | undefined {
  if (message.foreignTopic === true) {
    const topic = campusTopic(message.topic);
    if ('wrong' in topic) return { reason: 'not_own_topic', detail: topic.wrong };
    const detail =
      topic.device === message.client && message.unregistered !== true
        ? elsewhere(topic)
        : `topic "${message.topic}" does not belong to "${message.client}"`;
    return { reason: 'not_own_topic', detail };
  }
  // Out of the quarantine it comes when its device is registered.
  if (message.unregistered === true && message.replayed !== true) {
    const detail = `"${message.client}" sent this before it was registered or had claimed its credentials`;
    return { reason: 'unknown_device', detail };
  }
  if (message.cutFrom === undefined) return undefined;
  const detail = `the payload has ${message.cutFrom} bytes; only its first bytes are kept`;
  return { reason: 'payload_too_large', detail };
}

function rejectWhole(message: MessageRecord, rejection: Rejection): readonly Decoded[] {
  const { origin, foreignTopic } = message;
  const topic = origin === undefined && foreignTopic !== true ? campusTopic(message.topic) : undefined;
  const own = topic === undefined || 'wrong' in topic ? undefined : topic;
  return [{ kind: 'rejection', source: { message }, rejection, topic: own }];
}

/** Whose the item is, in our terms. */
function whose(message: MessageRecord, profile: Profile, item: AppliedItem): DeviceTopic {
  const { origin } = message;
  const { outcome, deviceClass } = item;
  const stream = outcome.kind === 'notice' ? outcome.notice.stream : 'telemetry';
  if (origin === undefined) {
    const own = campusTopic(message.topic);
    if (!('wrong' in own)) return own;
  }
  const found = origin?.devices.find(({ name }) => name === item.device);
  const named = profile.deviceId?.(item.device) ?? item.device;
  const device = found?.id ?? deviceIdOf(origin?.prefix ?? '', named);
  return { site: origin?.site ?? '', deviceClass, device, stream };
}

function decodeItem(source: Source, item: AppliedItem, topic: DeviceTopic, limits: TimeLimits): Decoded {
  const { outcome, device, ignored } = item;
  const { origin, arrivedAt, replayed } = source.message;
  const reject = (rejection: Rejection, number?: RefusedNumber, ts = number?.ts): Decoded => {
    const late = replayed === true || (ts !== undefined && arrivedAt - ts > limits.latenessMs);
    return { kind: 'rejection', source, rejection, topic, number, ts, late };
  };
  const trouble = origin?.devices.find(({ name }) => name === device)?.trouble;
  if (trouble === 'unregistered') {
    const detail = `no device "${topic.device}" is registered`;
    return reject({ reason: 'unknown_device', detail });
  }
  if (trouble === 'elsewhere') {
    return reject({ reason: 'not_own_topic', detail: elsewhere(topic) });
  }
  if (outcome.kind === 'rejection') {
    const { rejection, number } = outcome;
    if (number?.ts === undefined) return reject(rejection, number);
    return reject(rejection, {
      ...number,
      plausible: implausibleTime(number.ts, arrivedAt, limits) === undefined,
    });
  }
  if (outcome.kind === 'notice') {
    const { notice } = outcome;
    const wrongTime = notice.stream === 'event' ? implausibleTime(notice.ts, arrivedAt, limits) : undefined;
    if (wrongTime !== undefined)
      return reject(wrongTime, undefined, notice.stream === 'event' ? notice.ts : undefined);
    const late =
      replayed === true || (notice.stream === 'event' && arrivedAt - notice.ts > limits.latenessMs);
    return { kind: 'notice', source, topic, notice, late, ignored };
  }
  const { reading } = outcome;
  const wrongTime = implausibleTime(reading.ts, arrivedAt, limits);
  if (wrongTime !== undefined) {
    const { seq, boot = '', ts } = reading;
    return reject(wrongTime, seq === undefined ? undefined : { boot, seq, ts }, ts);
  }
  const late = replayed === true || arrivedAt - reading.ts > limits.latenessMs;
  return { kind: 'reading', source, topic, reading, late, ignored };
}

function implausibleTime(ts: number, arrivedAt: number, limits: TimeLimits): Rejection | undefined {
  const aheadMs = ts - arrivedAt;
  if (aheadMs > limits.futureMs) {
    return {
      reason: 'clock_ahead',
      detail: `ts is ${formatSeconds(Math.round(aheadMs / 1000))} ahead of the arrival: the device's clock is wrong`,
    };
  }
  if (-aheadMs > limits.maxAgeMs) {
    const days = Math.round(-aheadMs / 86_400_000);
    return {
      reason: 'clock_behind',
      detail: `ts is ${days} days before the arrival: the device's clock is wrong`,
    };
  }
  return undefined;
}

/**
 * An array of rubbish must not become a hundred thousand items in quarantine: beyond a number, what is wrong
 * in one message is kept as one item.
 */
export function gatherRejections(message: MessageRecord, decoded: readonly Decoded[]): readonly Decoded[] {
  const rejected = decoded.filter((item) => item.kind === 'rejection');
  const [first] = rejected;
  const most =
    message.origin !== undefined && message.payload.length > largeBytes
      ? mostLargeRejectionsApart
      : mostRejectionsApart;
  if (first === undefined || rejected.length <= most) return decoded;
  const { reason, detail } = first.rejection;
  const rejection = {
    reason,
    detail: `${rejected.length} of ${decoded.length} elements are wrong; [${first.source.index}]: ${detail}`,
  };
  // Of a vendor's payload no part can be cut out: the message waits whole until it is understood.
  if (message.origin !== undefined) return rejectWhole(message, rejection);
  const together: DecodedRejection = {
    kind: 'rejection',
    source: { message, indexes: rejected.map(({ source }) => source.index ?? 0) },
    rejection,
    topic: first.topic,
    numbers: rejected.map(({ number }) => number),
    ts: newest(rejected.map(({ ts }) => ts)),
    late: rejected.every(({ late }) => late),
  };
  return [...decoded.filter((item) => item.kind !== 'rejection'), together];
}

function newest(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
}
