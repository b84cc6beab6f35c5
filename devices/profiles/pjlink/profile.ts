import type { Rejection } from '../../telemetry.js';
import type { Profile, ProfileItem, ProfileResult, VendorMessage } from '../profile.js';

/**
 * Panels and projectors as PJLink describes them (https://pjlink.jbmia.or.jp/english/data_cl2/PJLink_5-1.pdf):
 * a poller publishes the panel's answers as they came, one or more a message, `{anything}/{panel}`, such as
 * `%1POWR=1`, `%1LAMP=4512 1`, `%1ERST=000100`.
 */
export const profile: Profile = {
  name: 'pjlink',
  topics: ['pjlink/+'],
  deviceClasses: ['whiteboard'],
  decode,
};

/** Off, on, cooling down, warming up: one that cools takes no command, one that warms up is on its way. */
const powers = ['standby', 'on', 'standby', 'on'];
/** The input sources that we have words for: analogue 1, digital 1 to 4. */
const inputs: Readonly<Record<string, string>> = {
  '11': 'vga',
  '31': 'hdmi1',
  '32': 'hdmi2',
  '33': 'hdmi3',
  '34': 'hdmi4',
};
/** The digits of ERST, in order: each 0 ok, 1 warning, 2 error. */
const faults = ['fan_fault', 'lamp_fault', 'temp_fault', 'cover_fault', 'filter_fault', 'other_fault'];

interface Gathered {
  readonly m: Record<string, number | string>;
  readonly meta: Record<string, string>;
  readonly ignored: string[];
  failed: boolean;
}

function decode(message: VendorMessage): ProfileResult {
  const device = message.topic.slice(message.topic.lastIndexOf('/') + 1);
  const gathered: Gathered = { m: {}, meta: {}, ignored: [], failed: false };
  const lines = message
    .text()
    .split(/[\r\n]+/)
    .filter((line) => line !== '');
  for (const line of lines) {
    const wrong = readAnswer(line, gathered);
    if (wrong !== undefined) return { rejection: wrong };
  }
  const { m, meta, ignored, failed } = gathered;
  const items: ProfileItem[] = [];
  if (Object.keys(m).length > 0)
    items.push({ kind: 'reading', device, time: 'arrival', reading: { m }, ignored });
  if (Object.keys(meta).length > 0) items.push({ kind: 'notice', device, stream: 'meta', body: meta });
  if (failed) {
    const body = { ts: message.arrivedAt, e: 'pjlink_failure', answers: lines.join(' ') };
    items.push({ kind: 'notice', device, stream: 'event', body });
  }
  if (items.length > 0 || lines.length === 0) return { items };
  return { ignored: `nothing of interest (${ignored.join(', ')})` };
}

/** Reads one answer, `%{class}{command}={value}`; says what is wrong with it. */
function readAnswer(line: string, into: Gathered): Rejection | undefined {
  const [, command = '', value = ''] = /^%[12]([A-Z0-9]{4})=(.*)$/.exec(line) ?? [];
  const wrong = (what: string): Rejection => ({
    reason: 'wrong_shape',
    detail: `"${line.slice(0, 64)}" ${what}`,
  });
  if (command === '') return wrong('is no PJLink answer, such as %1POWR=1');
  // ERR4 is a failure of the panel; ERR1 to ERR3 say that it can't do that, or not now.
  if (/^ERR[1-4]$/.test(value)) {
    if (value === 'ERR4') into.failed = true;
    else into.ignored.push(`${command} ${value}`);
    return undefined;
  }
  switch (command) {
    case 'POWR': {
      const power = /^[0-3]$/.test(value) ? powers[Number(value)] : undefined;
      if (power === undefined) return wrong('has no power state from 0 to 3');
      into.m['power'] = power;
      return undefined;
    }
    case 'LAMP': {
      if (!/^\d{1,5} [01]( \d{1,5} [01]){0,7}$/.test(value)) return wrong('has no hours and states of lamps');
      const hours = value.split(' ').filter((_, i) => i % 2 === 0);
      into.m['backlight_hours'] = Math.max(...hours.map(Number));
      return undefined;
    }
    case 'ERST': {
      if (!/^[0-2]{6}$/.test(value)) return wrong('has no six digits from 0 to 2');
      faults.forEach((fault, i) => (into.m[fault] = Number(value[i])));
      return undefined;
    }
    case 'INPT': {
      const input = inputs[value];
      if (input === undefined) into.ignored.push(`INPT ${value}`);
      else into.m['input'] = input;
      return undefined;
    }
    case 'INF1':
      into.meta['manufacturer'] = value;
      return undefined;
    case 'INF2':
      into.meta['model'] = value;
      return undefined;
    case 'SVER':
      into.meta['firmware'] = value;
      return undefined;
    default:
      into.ignored.push(command);
      return undefined;
  }
}
