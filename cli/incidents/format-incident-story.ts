import { describeHold } from '../../alerts/incidents/desk.js';
import type { DeskAlarm } from '../../alerts/incidents/desk-alarm.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { formatAlarmStory } from '../why/format-alarm-story.js';
import { describeExtent } from './format-incident.js';
import type { IncidentStory } from './incident-story.js';

/** Of more alarms only the first are listed. */
const mostAlarms = 20;

/** The story of an incident as a person reads it: what led to it, what belongs to it, and what happened then. */
export function formatIncidentStory(story: IncidentStory, timeZone: string): string {
  const { incident, root, trouble, alarms, events } = story;
  const time = (at: number) => formatTime(at, timeZone);
  const { id, state, severity, peak, mergedInto, mergedFrom, openedAt, closedAt, chattering, activations } =
    incident;
  const now =
    state === 'merged'
      ? `part of ${mergedInto}`
      : state === 'closed'
        ? `closed ${closedAt === undefined ? '' : time(closedAt)}`
        : severity;
  const pairs: [string, string][] = [
    ['incident', id],
    ['state', `${state}, ${now}; at most ${peak}`],
    ['opened', time(openedAt)],
    ['alarms', describeExtent(incident).replaceAll('\n', '; ')],
    ...(chattering ? ([['chattering', `${activations} activations`]] as [string, string][]) : []),
    ...(mergedFrom.length > 0 ? ([['took in', mergedFrom.join(', ')]] as [string, string][]) : []),
  ];
  return [
    `${incident.root.title.en} (${incident.root.title.zh})`,
    formatPairs(pairs),
    '',
    'Its cause:',
    root === undefined
      ? `  ${incident.root.id} (its transitions are not remembered)`
      : indent(formatAlarmStory(root, timeZone, trouble)),
    '',
    `Its alarms${alarms.length > mostAlarms ? `, the first ${mostAlarms} of ${alarms.length}` : ''}:`,
    formatTable(
      ['Alarm', 'Severity', 'Raised, cleared', 'Also'],
      alarms
        .slice(0, mostAlarms)
        .map((alarm) => [
          alarm.key,
          alarm.peak,
          `${time(alarm.raisedAt)}\n${alarm.clearedAt === undefined ? '' : time(alarm.clearedAt)}`.trimEnd(),
          describeOperatorState(alarm),
        ]),
    ),
    '',
    'What happened:',
    ...events.map(({ at, text, by }) => `  ${time(at)}  ${text}${by === undefined ? '' : ` (${by})`}`),
  ].join('\n');
}

/** What operators did about an alarm, in a few words. */
export function describeOperatorState({ acknowledged, assignedTo, hold }: DeskAlarm): string {
  return [
    ...(acknowledged === undefined ? [] : [`acknowledged by ${acknowledged.by}`]),
    ...(assignedTo === undefined ? [] : [`assigned to ${assignedTo}`]),
    ...(hold === undefined ? [] : [describeHold(hold)]),
  ].join('\n');
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
