import { explainCondition } from '../../alerts/mail/value-words.js';
import type {
  Inspection,
  InspectedClause,
  InspectedCondition,
  InspectedStep,
} from '../../rules/engine/inspect.js';
import { formatSeconds } from '../../rules/duration.js';
import { shortPath } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import type { WhyNot } from './why-not.js';

/** Says which clause was false, and by how much. */
export function formatWhyNot(answer: WhyNot, timeZone: string): string {
  const { rule, device, site, deviceClass, at, newest, found, obstacles } = answer;
  const time = (when: number) => formatTime(when, timeZone);
  const values = (metrics: Readonly<Record<string, unknown>>) =>
    Object.entries(metrics)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  const lines = [
    `${rule.id} (${rule.title.en}) on ${device} (${deviceClass} at ${site}), ${time(at)} ${timeZone}`,
    `  ${shortPath(rule.file)}:${rule.line}, version ${rule.version}, mode ${rule.mode}`,
  ];
  if (newest !== undefined) {
    lines.push(`  newest reading ${time(newest.ts)}: ${values(newest.m) || 'no metrics of its own'}`);
    for (const [part, metrics] of Object.entries(newest.parts ?? {}))
      lines.push(`    ${part}: ${values(metrics)}`);
  }
  lines.push(...obstacles.map((sentence) => `  ! ${sentence}`));
  lines.push(...formatAlarms(answer, time));
  for (const inspection of found) lines.push('', ...formatInspection(answer, inspection, time));
  return lines.join('\n');
}

/** What the pipeline has recorded, beside what the replay finds. */
function formatAlarms({ alarms, found }: WhyNot, time: (at: number) => string): string[] {
  if (alarms === undefined) return [];
  const told = alarms.map(
    ({ id, severity, raisedAt, shadow }) =>
      `  In the pipeline an alarm ${shadow === true ? 'that nobody is told of ' : ''}was active (${severity}) since ` +
      `${time(raisedAt)}: campus why ${id}`,
  );
  const isFound = found.some(({ activeSince }) => activeSince !== undefined);
  const differ =
    found.length > 0 && isFound !== alarms.length > 0
      ? [
          '  ! The replay finds otherwise: it judges what is stored by the rule as it is now, and knows nothing of presence,' +
            ' of changes of the rule or its mode, nor of what was unknown then.',
        ]
      : [];
  return [...(told.length > 0 ? told : ['  In the pipeline no alarm of it was active.']), ...differ];
}

function formatInspection(
  { rule, deviceClass, at }: WhyNot,
  found: Inspection,
  time: (at: number) => string,
): string[] {
  const { part, activeSince, severity, steps } = found;
  const what =
    part !== undefined ? `Part ${part}` : rule.group === undefined ? 'The device' : `Its ${rule.group}`;
  const verdict =
    activeSince === undefined
      ? 'no alarm is active by a replay of the history'
      : `its alarm IS active (${severity}) since ${time(activeSince)} by a replay of the history`;
  const asOf = found.at < at - 1000 ? `, judged as of ${time(found.at)}` : '';
  return [
    `${what}: ${verdict}${asOf}`,
    ...steps.flatMap((step) =>
      formatStep(step, found, (text) => explainCondition(deviceClass, text, 'en'), time),
    ),
  ];
}

function formatStep(
  step: InspectedStep,
  { at }: Inspection,
  explain: (text: string) => string,
  time: (at: number) => string,
): string[] {
  const { severity, phase, since, condition, clear } = step;
  const isOn = phase === 'active' || phase === 'clearing';
  const shown = isOn ? clear : condition;
  return [
    `  ${severity} ${isOn ? 'clears' : 'is raised'} when ${shown.text}${shown.holdMs > 0 ? `, for ${lasted(shown.holdMs)}` : ''}`,
    `    (${explain(shown.text)})`,
    ...shown.clauses.map((clause) => `    ${formatClause(clause)}`),
    ...shown.missing
      .filter(() => shown.holds === undefined)
      .map((name) => `    ${name} is missing: what is missing is unknown, not false, and changes nothing`),
    `    ${conclude(shown, phase, since, at, time)}`,
  ];
}

const marks = { true: 'true   ', false: 'FALSE  ', undefined: 'unknown' } as const;

/** E.g. `FALSE   mean(co2_ppm, "5m") > 1500: 1432.2, 67.8 away from 1500`. */
function formatClause({ text, holds, left, right }: InspectedClause): string {
  const mark = marks[String(holds) as keyof typeof marks];
  if (left === undefined || right === undefined) {
    const known = left ?? right;
    return `${mark} ${text}${known === undefined ? '' : `: ${rounded(known)} on one side, the other is unknown`}`;
  }
  const distance = Math.abs(left - right);
  const by =
    distance === 0
      ? 'exactly at'
      : holds === true
        ? `${rounded(distance)} beyond`
        : `${rounded(distance)} away from`;
  return `${mark} ${text}: ${rounded(left)}, ${by} ${rounded(right)}`;
}

function conclude(
  { holds, holdMs }: InspectedCondition,
  phase: InspectedStep['phase'],
  since: number | undefined,
  at: number,
  time: (at: number) => string,
): string {
  if (holds === undefined) return '→ unknown: it stays as it is';
  if (!holds) return '→ does not hold';
  if (since !== undefined && (phase === 'pending' || phase === 'clearing')) {
    const held = at - since;
    return `→ holds since ${time(since)}, ${lasted(held)} of ${lasted(holdMs)}: ${lasted(Math.max(0, holdMs - held))} are missing`;
  }
  return '→ holds';
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function lasted(ms: number): string {
  return formatSeconds(Math.round(ms / 1000));
}
