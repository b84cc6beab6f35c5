import { describeIssue } from '../describe-issue.js';
import { parseJson } from '../parse-json.js';
import type { Profile, ProfileResult, VendorMessage } from '../profile.js';
import { countClients } from './clients.js';
import { radioPart } from './radio.js';
import { envelopeSchema } from './state-schema.js';
import type { ApState } from './state-schema.js';
import { withoutClients } from './without-clients.js';

/**
 * The state of OpenWiFi access points (github.com/Telecominfraproject/wlan-ucentral-schema, `state/`), as a
 * uCentral gateway passes it on: the JSON-RPC message, its parameters, or the state alone under
 * `{anything}/{serial}/state`. Radios are parts; of the clients there are numbers only.
 */
export const profile: Profile = {
  name: 'ucentral',
  topics: ['ucentral/+/state'],
  deviceClasses: ['ap'],
  withoutPersonalData: (message) => {
    const body = parseJson(message);
    if ('value' in body) return Buffer.from(JSON.stringify(withoutClients(body.value)));
    return Buffer.from(message.text().replace(/([0-9a-f]{2}[:-]){5}[0-9a-f]{2}/gi, '00:00:00:00:00:00'));
  },
  decode,
};

function decode(message: VendorMessage): ProfileResult {
  const levels = message.topic.split('/');
  if (levels.at(-1) !== 'state') return { ignored: `no state: ${levels.at(-1) ?? ''}` };
  const body = parseJson(message);
  if ('rejection' in body) return body;
  const checked = envelopeSchema.safeParse(body.value);
  if (!checked.success) return { rejection: describeIssue(checked.error) };
  const { serial, state } = checked.data;
  const device = (serial ?? levels.at(-2) ?? '').toLowerCase();
  const reading = { m: unitMetrics(state), parts: partsOf(state) };
  // The unit's clock counts whole seconds; without it the arrival is all there is.
  const seconds = state.unit.localtime;
  return {
    items: [
      seconds === undefined
        ? { kind: 'reading', device, time: 'arrival', reading }
        : { kind: 'reading', device, reading: { ts: Math.round(seconds * 1000), ...reading } },
    ],
  };
}

function unitMetrics(state: ApState): Record<string, number> {
  const { memory, cpu_load: cpu, temperature, uptime } = state.unit;
  const links = Object.values(state['link-state']?.upstream ?? {});
  const uplink = links.find(({ carrier }) => carrier === true) ?? links[0];
  const { counters } = uplink ?? {};
  return defined({
    ...countClients(state),
    // The first of cpu_load is the total of all cores; the load average is no share of anything.
    cpu_pct: cpu?.[0],
    mem_pct: memory === undefined ? undefined : usedPercent(memory),
    // Average and maximum: what is too hot is the maximum.
    temp_c: temperature === undefined || temperature.length === 0 ? undefined : Math.max(...temperature),
    uptime_s: uptime,
    link_mbps: uplink?.carrier === false ? 0 : uplink?.speed,
    link_errors: sum([counters?.rx_errors, counters?.tx_errors]),
    rx_bytes: counters?.rx_bytes,
    tx_bytes: counters?.tx_bytes,
  });
}

/** Caches are given back when memory is wanted: they count as free. */
function usedPercent(memory: NonNullable<ApState['unit']['memory']>): number | undefined {
  const { total, free, cached, buffered } = memory;
  if (total <= 0) return undefined;
  return Math.max(0, Math.round(((total - free - cached - buffered) / total) * 1000) / 10);
}

function partsOf(state: ApState): Record<string, Record<string, number>> {
  const parts: Record<string, Record<string, number>> = {};
  state.radios.forEach((radio, i) => {
    const { name, metrics } = radioPart(state, radio, i);
    // Two radios of one band: the second is told apart by its number.
    parts[name in parts ? `${name}-${i}` : name] = defined(metrics);
  });
  return parts;
}

function sum(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
}

function defined(metrics: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
