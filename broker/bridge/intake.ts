import { applyProfile } from '../../devices/profiles/apply-profile.js';
import { deviceIdOf } from '../../devices/profiles/device-id.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { clientOfBridge } from '../../ingest/log/bridge-name.js';
import type { MessageRecord } from '../../ingest/log/frame.js';
import type { Origin, OriginDevice } from '../../ingest/log/origin.js';
import { vendorMessage } from '../../ingest/log/vendor-message.js';
import { topicMatches } from '../acl.js';
import type { RegisteredDevices } from '../redis-registered-devices.js';
import type { Bridge, Subscription } from './parse-bridges.js';
import type { SparkplugHost } from './sparkplug-host.js';

/** A message as the other broker delivered it. */
export interface Delivered {
  readonly topic: string;
  readonly payload: Buffer;
  /** It was kept there for new subscribers. */
  readonly retained: boolean;
}

/** What becomes of it: a record for the shard of its site, or nothing, and why. */
export type Intake =
  | { readonly kind: 'record'; readonly site: string; readonly record: MessageRecord }
  | { readonly kind: 'nothing'; readonly why: 'not_for_us' | 'unmatched' | 'stale_death' };

export interface IntakeParts {
  readonly bridge: Bridge;
  /** Undefined where nothing of the bridge is Sparkplug. */
  readonly host: SparkplugHost | undefined;
  readonly onSparkplug: (verdict: ReturnType<SparkplugHost['receive']>) => void;
  readonly standing: RegisteredDevices['standing'];
  readonly maxPayloadBytes: number;
}

/** Of a payload that is too large, this much is kept as evidence. */
const evidenceBytes = 4096;

/**
 * Turns what was delivered into a record that can be understood by itself: says in it which profile, site and
 * devices it is about, puts the names into Sparkplug messages, and leaves out whose phones are connected.
 * @param now pipeline time, epoch ms
 * @throws when the registry can not be asked
 */
export async function takeIn(parts: IntakeParts, delivered: Delivered, now: number): Promise<Intake> {
  const { bridge, maxPayloadBytes } = parts;
  const subscription = bridge.subscriptions.find(({ topics }) =>
    topics.some((filter) => topicMatches(filter, delivered.topic)),
  );
  // The session there held other filters once.
  if (subscription === undefined) return { kind: 'nothing', why: 'unmatched' };
  const { site, deviceClass, profile, prefix } = subscription;
  const retained = delivered.retained ? true : undefined;
  const base: MessageRecord = {
    kind: 'message',
    arrivedAt: now,
    client: clientOfBridge(bridge.name),
    topic: delivered.topic,
    payload: delivered.payload,
  };
  const origin: Origin = { profile: profile.name, site, deviceClass, prefix, devices: [], retained };
  if (delivered.payload.length > maxPayloadBytes) {
    const evidence =
      profile.withoutPersonalData === undefined
        ? delivered.payload.subarray(0, evidenceBytes)
        : Buffer.alloc(0);
    const record = { ...base, payload: evidence, cutFrom: delivered.payload.length, origin };
    return { kind: 'record', site, record };
  }
  const payload = clean(parts, subscription, base);
  if (payload === undefined) return { kind: 'nothing', why: 'stale_death' };
  const message = { ...base, payload };
  const applied = applyProfile(profile, vendorMessage(message, { deviceClass, retained }));
  if ('ignored' in applied) return { kind: 'nothing', why: 'not_for_us' };
  const items = 'items' in applied ? applied.items : [];
  const devices = await name(
    parts,
    subscription,
    new Map(items.map((item) => [item.device, item.deviceClass])),
  );
  return { kind: 'record', site, record: { ...message, origin: { ...origin, devices } } };
}

function clean(
  { host, onSparkplug }: IntakeParts,
  { profile, deviceClass }: Subscription,
  record: MessageRecord,
): Buffer | undefined {
  if (profile.name === 'sparkplug' && host !== undefined) {
    const verdict = host.receive(record.topic, record.payload, Date.now());
    onSparkplug(verdict);
    return verdict.payload;
  }
  return profile.withoutPersonalData?.(vendorMessage(record, { deviceClass })) ?? record.payload;
}

async function name(
  { standing }: IntakeParts,
  { site, deviceClass: usual, prefix, devices, profile }: Subscription,
  found: ReadonlyMap<string, DeviceClass>,
): Promise<readonly OriginDevice[]> {
  const named = [...found].map(([vendorName, deviceClass]) => ({
    name: vendorName,
    id: devices.get(vendorName) ?? deviceIdOf(prefix, profile.deviceId?.(vendorName) ?? vendorName),
    deviceClass,
  }));
  const standings = await standing(named, site);
  return named.map(({ name, id, deviceClass }, i) => {
    const stands = standings[i];
    const device = { name, id, ...(deviceClass === usual ? {} : { deviceClass }) };
    return stands === 'registered' || stands === undefined ? device : { ...device, trouble: stands };
  });
}
