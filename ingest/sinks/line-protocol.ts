import type { Reading } from '../../devices/telemetry.js';
import type { DeviceTags } from './device-tags.js';

/**
 * Line protocol of a reading: one line for the device's own metrics and one for each of its parts, with the
 * part as a tag. Identity is measurement, tags and time, so writing it again changes nothing.
 * @param late it came too late to raise alarms, which a backtest wants to know: the field `late` says so
 */
export function readingLines(reading: Reading, tags: DeviceTags, late = false): string {
  const time = `${late ? lateField : ''} ${reading.ts}`;
  const own = fields(reading.m);
  let lines = own === '' ? '' : `${tags.series} ${own}${time}`;
  if (reading.parts !== undefined) {
    for (const [part, metrics] of Object.entries(reading.parts)) {
      const of = fields(metrics);
      if (of === '') continue;
      if (lines !== '') lines += '\n';
      lines += `${tags.seriesOfPart(part)} ${of}${time}`;
    }
  }
  return lines;
}

/**
 * Line protocol of a device event (radar, crash, deauth burst). The type is a tag, so that two events of one time
 * stand beside each other. `ts` is epoch ms.
 */
export function eventLine(
  event: { readonly ts: number; readonly type: string; readonly detail: string },
  tags: DeviceTags,
  late = false,
): string {
  return `${tags.seriesOfEvent(event.type)} detail=${quoted(event.detail)}${late ? lateField : ''} ${event.ts}`;
}

const lateField = ',late=1';

/** `,name=`, ready made: there are few metrics, and each is written again and again. */
const prefixes = new Map<string, string>();

/** The fields, as one piece of text: a string that is put together by and by is many small objects that live long. */
function fields(metrics: Readonly<Record<string, number | string>>): string {
  const pieces: (string | number)[] = [];
  for (const name in metrics) {
    const value = metrics[name] as number | string;
    let prefix = prefixes.get(name);
    if (prefix === undefined) prefixes.set(name, (prefix = `,${name}=`));
    pieces.push(prefix, typeof value === 'number' ? value : quoted(value));
  }
  return pieces.join('').slice(1);
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/[\r\n]+/g, ' ')}"`;
}
