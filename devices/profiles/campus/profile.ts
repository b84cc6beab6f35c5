import { deviceClasses } from '../../device-class.js';
import { parseTopic } from '../../topic.js';
import type { DeviceTopic } from '../../topic.js';
import { parseJson } from '../parse-json.js';
import type { Profile, ProfileItem, ProfileResult, VendorMessage } from '../profile.js';

/** Our own topics and JSON (README, "What a device does"): what devices send to our own broker, too. */
export const profile: Profile = {
  name: 'campus',
  topics: ['campus/v1/{site}/+/+/+'],
  deviceClasses,
  decode,
};

function decode(message: VendorMessage): ProfileResult {
  const topic = campusTopic(message.topic);
  if ('wrong' in topic) return { rejection: { reason: 'not_own_topic', detail: topic.wrong } };
  const body = parseJson(message);
  if ('rejection' in body) return body;
  const { device, deviceClass, stream } = topic;
  if (stream !== 'telemetry') {
    return { items: [{ kind: 'notice', device, deviceClass, stream, body: body.value }] };
  }
  const toItem = (reading: unknown): ProfileItem => ({ kind: 'reading', device, deviceClass, reading });
  if (!Array.isArray(body.value)) return { items: [toItem(body.value)] };
  if (body.value.length === 0) return { rejection: { reason: 'wrong_shape', detail: 'the array is empty' } };
  return { items: body.value.map(toItem) };
}

const topics = new Map<string, ReturnType<typeof parseTopic>>();

/** `parseTopic`, once for each topic: it comes with every message of its device. */
export function campusTopic(text: string): DeviceTopic | { readonly wrong: string } {
  let topic = topics.get(text);
  if (topic === undefined) {
    if (topics.size > 100_000) topics.clear(); // foreign topics could be endless
    topics.set(text, (topic = parseTopic(text)));
  }
  return topic;
}
