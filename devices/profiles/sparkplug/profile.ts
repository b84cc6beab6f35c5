import { deviceClasses } from '../../device-class.js';
import type { DeviceClass } from '../../device-class.js';
import { Gathered } from '../gather.js';
import type { Profile, ProfileItem, ProfileResult, VendorMessage } from '../profile.js';
import { decodePayload, numberOf, unitOf, valueOf } from './payload.js';
import type { SparkplugMetric, SparkplugPayload } from './payload.js';
import { parseSparkplugTopic } from './sparkplug-topic.js';

/**
 * Sparkplug B 3.0 (https://sparkplug.eclipse.org/specification/version/3.0/). Edge nodes are gateways, their
 * devices what the subscription says. A metric is known by the last level of its name and the unit in its
 * `engUnit`; levels before it, unless they only sort (`Inputs/…`), name a part of the device.
 *
 * Messages after a birth name metrics by aliases. The bridge, which hears the births, has put the names in; what
 * it could not is quarantined as `unknown_alias`.
 */
export const profile: Profile = {
  name: 'sparkplug',
  topics: ['spBv1.0/#'],
  deviceClasses,
  // Names are `group/node/device`; with a dot in one of them the id has to be told apart by its hash.
  deviceId: (name) => (name.includes('.') ? name : name.replaceAll('/', '.')),
  decode,
};

/** Not measured: what the protocol itself needs. */
const controlPattern = /^(bdSeq$|Node Control\/|Device Control\/)/;
/** Levels that sort metrics and say nothing of where they were measured. */
const sorting = /^(inputs?|outputs?|sensors?|measurements?|metrics?|telemetry|environment|values?)$/i;

function decode(message: VendorMessage): ProfileResult {
  const topic = parseSparkplugTopic(message.topic);
  if (topic === undefined) return { ignored: 'no message of an edge node' };
  const { type } = topic;
  if (type === 'NCMD' || type === 'DCMD') return { ignored: 'a command to an edge node' };
  let payload: SparkplugPayload;
  try {
    payload = decodePayload(message.payload);
  } catch (error) {
    const detail = `no Sparkplug B payload: ${error instanceof Error ? error.message : String(error)}`;
    return { rejection: { reason: 'not_protobuf', detail } };
  }
  const device = [topic.group, topic.node, ...(topic.device === undefined ? [] : [topic.device])].join('/');
  const deviceClass = topic.device === undefined ? 'gateway' : message.deviceClass;
  const at = numberOf(payload, 'timestamp') ?? message.arrivedAt;
  const state = (s: 'online' | 'offline', ts: number, ignored: readonly string[] = []): ProfileItem => {
    return { kind: 'notice', device, deviceClass, stream: 'state', body: { s, ts }, ignored };
  };
  // The death of a node is its Will, written when it connected: its time is that of its arrival.
  if (type === 'NDEATH') return { items: [state('offline', message.arrivedAt)] };
  if (type === 'DDEATH') return { items: [state('offline', at)] };
  const nameless = payload.metrics.find((metric) => !Object.hasOwn(metric, 'name') || metric.name === '');
  if (nameless !== undefined) {
    const detail = `no birth has said what alias ${String(nameless.alias)} of ${device} means`;
    const rejection = { reason: 'unknown_alias', detail } as const;
    return { items: [{ kind: 'rejection', device, deviceClass, rejection }] };
  }
  const { readings, ignored } = gather(payload.metrics, deviceClass, at);
  const items = readings.map(({ ts, gathered }): ProfileItem => {
    return { kind: 'reading', device, deviceClass, reading: { ts, ...gathered.metrics } };
  });
  const isBirth = type === 'NBIRTH' || type === 'DBIRTH';
  // A device reports what changed: when that is nothing of ours, it says that the device is there.
  if (isBirth || items.length === 0 || ignored.length > 0) items.unshift(state('online', at, ignored));
  return { items };
}

/** The metrics of each time together. */
function gather(
  metrics: readonly SparkplugMetric[],
  deviceClass: DeviceClass,
  at: number,
): { readings: { ts: number; gathered: Gathered }[]; ignored: readonly string[] } {
  const byTime = new Map<number, Gathered>();
  for (const metric of metrics) {
    const { name = '' } = metric;
    const isNull = Object.hasOwn(metric, 'isNull') && metric.isNull === true;
    if (controlPattern.test(name) || isNull) continue;
    const ts = numberOf(metric, 'timestamp') ?? at;
    let gathered = byTime.get(ts);
    if (gathered === undefined) byTime.set(ts, (gathered = new Gathered(deviceClass)));
    const levels = name.split('/').filter((level) => !sorting.test(level));
    const quantity = levels.pop() ?? name;
    gathered.take(quantity, valueOf(metric), unitOf(metric), levels.join('.'));
  }
  const all = [...byTime].map(([ts, gathered]) => ({ ts, gathered }));
  return {
    readings: all.filter(({ gathered }) => !gathered.isEmpty),
    ignored: all.flatMap(({ gathered }) => gathered.ignored),
  };
}
