import { severities } from '../../rules/alarm.js';
import type { Activation } from '../../rules/backtest/activations.js';
import { subjectOf } from '../../rules/backtest/activations.js';
import type { RuleDiff } from '../../rules/backtest/diff-activations.js';
import { budget } from '../../rules/backtest/operator-load.js';
import type { OperatorLoad } from '../../rules/backtest/operator-load.js';
import { groupBy } from '../../rules/backtest/group-by.js';
import type { UnjudgedRule } from '../../rules/backtest/unjudged.js';
import type { RuleStatistics } from '../../rules/backtest/rule-statistics.js';
import { formatSeconds } from '../../rules/duration.js';
import { formatPairs } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import type { BacktestOutcome } from './run-backtest.js';

/** What fits every terminal, and a mail. */
const width = 80;
const sitesNamed = 3;
const examplesNamed = 3;

/** The report as a person reads it, 80 columns wide. */
export function formatReport(outcome: BacktestOutcome, timeZone: string): string {
  const { rules, load, unjudged, diff } = outcome;
  const fired = rules.filter((rule) => rule.fired > 0 || rule.activeAtStart > 0);
  const silent = rules
    .filter((each) => !fired.includes(each) && !unjudged.some(({ rule }) => rule === each.rule))
    .map(({ rule }) => rule);
  const sections = [
    formatHead(outcome, timeZone),
    formatLoad(load, timeZone),
    fired.length === 0 ? 'No rule fired.' : [hoursHead, ...fired.map(formatRule)].join('\n\n'),
    ...(silent.length === 0
      ? []
      : [`Never fired (${silent.length}):\n${formatPairs([['', silent.join(', ')]], width)}`]),
    ...(unjudged.length === 0 ? [] : [formatUnjudged(unjudged)]),
    ...(diff === undefined ? [] : [formatDiff(diff, timeZone)]),
    formatPairs([['Note', notes.join(' ')]], width),
  ];
  return sections.join('\n\n');
}

const notes = [
  'History has no signs of life beside readings and events, and of each the time it was measured, not when it came: ' +
    'presence is derived from them, and alarms about silence may differ from those of the time. What was stored as ' +
    'late then is judged by nobody here, too. Sites, rooms, timetables and announced work are those of today.',
];

function formatHead(outcome: BacktestOutcome, timeZone: string): string {
  const { rules, source, period, warmUpFrom, readings, events, late, refused, devices, seconds } = outcome;
  const time = (at: number) => formatTime(at, timeZone);
  const warmUpMs = period.from - warmUpFrom;
  const rate = Math.round((readings + events) / Math.max(seconds, 0.001));
  const left = [
    ...(late > 0 ? [`${count(late)} came too late to be judged`] : []),
    ...(refused > 0 ? [`${count(refused)} would be quarantined (${outcome.firstRefused})`] : []),
  ];
  return formatPairs(
    [
      ['Rules', `${rules.length} that are not off`],
      ['History', source],
      [
        'Period',
        `${time(period.from)} to ${time(period.until)} (${timeZone}), ${lasted(period.until - period.from)}`,
      ],
      [
        'Warm-up',
        warmUpMs === 0
          ? 'none: the history begins with the period'
          : `${lasted(warmUpMs)} before it, as far back as the rules look; not counted`,
      ],
      [
        'Read',
        `${count(readings)} readings and ${count(events)} events of ${count(devices)} ${devices === 1 ? 'device' : 'devices'}`,
      ],
      ...(left.length > 0 ? ([['Left out', left.join('; ')]] as [string, string][]) : []),
      ['Took', `${seconds.toFixed(1)} s, ${count(rate)} a second`],
    ],
    width,
  );
}

function formatLoad(load: OperatorLoad, timeZone: string): string {
  const { operators, calls, perTenMinutes, perDay, slots, busySlots, floodSlots, worst, noisiest } = load;
  const share = (part: number) => `${((100 * part) / slots).toFixed(1)} %`;
  const perDayWords =
    perDay <= budget.acceptablePerDay
      ? `up to ${budget.acceptablePerDay} is acceptable`
      : perDay <= budget.manageablePerDay
        ? `more than the acceptable ${budget.acceptablePerDay}`
        : `more than the ${budget.manageablePerDay} that can be managed`;
  const [first] = noisiest;
  const heading = `Alarms per operator (${operators}) against ISA-18.2 / EEMUA 191: ${load.isWithinBudget ? 'WITHIN BUDGET' : 'OVER BUDGET'}`;
  const pairs: [string, string][] = [
    ['Alarms', `${count(calls)} raised or became worse; those of shadow rules call nobody`],
    [
      'Per 10 min',
      `${perTenMinutes.toFixed(2)} on average, of ${budget.steady} allowed; more in ${count(busySlots)} of ${count(slots)} (${share(busySlots)})`,
    ],
    ['Per day', `${perDay.toFixed(1)}; ${perDayWords}`],
    [
      'Floods',
      `${count(floodSlots)} ${floodSlots === 1 ? 'time' : 'times'} more than ${budget.flood} in 10 min (${share(floodSlots)} of the time)`,
    ],
  ];
  if (worst !== undefined)
    pairs.push([
      'Worst',
      `${worst.perOperator.toFixed(1)} in the 10 min from ${formatTime(worst.at, timeZone)}`,
    ]);
  if (first !== undefined && calls > 0) {
    const ofTop = noisiest.reduce((sum, each) => sum + each.calls, 0);
    pairs.push([
      'Noisiest',
      `${first.rule} of ${first.subject}: ${count(first.calls)}; the first ${noisiest.length} are ${Math.round((100 * ofTop) / calls)} % of all`,
    ]);
  }
  return `${heading}\n${formatPairs(pairs, width)}`;
}

const hoursHead = `Rules, by how often they fired${' '.repeat(20)}hour 0     6     12    18`;
const bars = ' ▁▂▃▄▅▆▇█';

function formatRule(rule: RuleStatistics): string {
  const {
    fired,
    subjects,
    sites,
    totalMs,
    medianMs,
    longestMs,
    activeAtStart,
    activeAtEnd,
    hours,
    severities: by,
  } = rule;
  const most = Math.max(1, ...hours);
  const drawn = hours.map((n) => bars[Math.ceil((8 * n) / most)]).join('');
  const name = rule.mode === 'shadow' ? `${rule.rule} (shadow)` : rule.rule;
  const shown = name.length > 46 ? `${name.slice(0, 45)}…` : name;
  const [first = { site: '', fired: 0 }] = sites;
  const more = sites.length > sitesNamed ? ` +${sites.length - sitesNamed} more` : '';
  const where =
    sites.length === 1
      ? first.site
      : sites
          .slice(0, sitesNamed)
          .map((each) => `${each.site} (${count(each.fired)})`)
          .join(', ') + more;
  const split = severities.flatMap((each) => (by[each] === undefined ? [] : [`${count(by[each])} ${each}`]));
  const still = [
    ...(activeAtStart > 0 ? [`${count(activeAtStart)} active before`] : []),
    ...(activeAtEnd > 0 ? [`${count(activeAtEnd)} active at the end`] : []),
  ];
  const pairs: [string, string][] = [];
  if (fired > 0) {
    pairs.push([
      'fired',
      `${count(fired)} ${fired === 1 ? 'time' : 'times'}, ${count(subjects)} ${subjects === 1 ? 'subject' : 'subjects'}: ${split.join(', ')}`,
    ]);
    pairs.push(['where', where]);
    pairs.push([
      'lasted',
      `${lasted(medianMs)} (median), ${lasted(longestMs)} at most, ${lasted(totalMs)} in all`,
    ]);
  }
  if (still.length > 0) pairs.push(['still', still.join(', ')]);
  return `${shown.padEnd(54)}|${drawn}|\n${formatPairs(pairs, width)}`;
}

/** Rules by why they could not be judged, those of most rules first. */
function formatUnjudged(unjudged: readonly UnjudgedRule[]): string {
  const byReason = [...groupBy(unjudged, ({ why }) => why)].sort(([, a], [, b]) => b.length - a.length);
  const pairs = byReason.map(
    ([why, some]) => ['', `${why}: ${some.map(({ rule }) => rule).join(', ')}`] as const,
  );
  return `Could not be judged (${unjudged.length}):\n${formatPairs(pairs, width)}`;
}

function formatDiff(diff: readonly RuleDiff[], timeZone: string): string {
  if (diff.length === 0) return 'Against the old rules: the same alarms at the same times.';
  const time = (at: number) => formatTime(at, timeZone);
  const example = (sign: string, activation: Activation) =>
    `  ${sign} ${time(activation.raisedAt)}  ${subjectOf(activation)} ${activation.peak}, ${lengthOf(activation)}`;
  const blocks = diff.map(({ rule, before, after, kept, moved, added, removed }) => {
    const more = (all: readonly unknown[]) =>
      all.length > examplesNamed ? [`    … and ${count(all.length - examplesNamed)} more`] : [];
    return [
      `${rule}: ${count(before)} → ${count(after)} (${count(added.length)} added, ${count(removed.length)} removed, ${count(moved.length)} moved, ${count(kept)} the same)`,
      ...added.slice(0, examplesNamed).map((each) => example('+', each)),
      ...more(added),
      ...removed.slice(0, examplesNamed).map((each) => example('-', each)),
      ...more(removed),
      ...moved
        .slice(0, examplesNamed)
        .map(
          (each) =>
            `${example('~', each.before)}\n      now ${time(each.after.raisedAt)}  ${each.after.peak}, ${lengthOf(each.after)}`,
        ),
      ...more(moved),
    ].join('\n');
  });
  const sum = (key: 'added' | 'removed' | 'moved') =>
    count(diff.reduce((all, each) => all + each[key].length, 0));
  return [
    `Against the old rules: ${sum('added')} alarms added, ${sum('removed')} removed, ${sum('moved')} moved`,
    ...blocks,
  ].join('\n\n');
}

function lengthOf({ raisedAt, clearedAt }: Activation): string {
  return clearedAt === undefined ? 'still active' : lasted(clearedAt - raisedAt);
}

function lasted(ms: number): string {
  return formatSeconds(Math.round(ms / 1000));
}

function count(n: number): string {
  return n.toLocaleString('en');
}
