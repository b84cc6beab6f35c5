import { createHash } from 'node:crypto';
import type { DeviceClass } from '../../devices/device-class.js';
import { unassigned } from '../../devices/site.js';
import { isWorse } from '../../rules/alarm.js';
import type { Severity } from '../../rules/alarm.js';
import { byTime, isOpen, subjectOf } from './desk-alarm.js';
import type { DeskAlarm } from './desk-alarm.js';
import type { Incident } from './incident.js';

/** Devices that are named as examples. */
const namedExamples = 5;

/** The id of an incident by the alarm that it begins with. */
export function incidentId({ id, rooted }: Pick<DeskAlarm, 'id' | 'rooted'>): string {
  const text = rooted === 0 ? id : `${id}~${rooted}`;
  return `inc-${createHash('sha256').update(text).digest('hex').slice(0, 10)}`;
}

/** An incident of that root, before its alarms are counted. */
export function openIncident(root: DeskAlarm, cause: Incident['cause'], openedAt: number): Incident {
  const { severity } = root;
  return {
    id: incidentId(root),
    state: 'open',
    cause,
    root,
    openedAt,
    mergedFrom: [],
    severity,
    peak: severity,
    told: severity,
    alarms: 0,
    active: 0,
    activations: 0,
    classes: {},
    rooms: 0,
    sites: 0,
    examples: [],
    chattering: false,
    notices: 0,
    steps: 0,
  };
}

/** The incident as its alarms make it. */
export function recount(incident: Incident, members: readonly DeskAlarm[]): Incident {
  const root = members.find(({ id }) => id === incident.root.id);
  const active = members.filter(isOpen);
  const severity = worst(active.map((alarm) => alarm.severity)) ?? incident.severity;
  const subjects = new Map<string, DeskAlarm>();
  for (const alarm of [...members].sort(byTime)) subjects.set(alarm.device ?? subjectOf(alarm), alarm);
  const classes: Partial<Record<DeviceClass, number>> = {};
  for (const { deviceClass, device } of subjects.values())
    if (device !== undefined) classes[deviceClass] = (classes[deviceClass] ?? 0) + 1;
  const places = [...subjects.values()];
  const rooms = new Set(places.flatMap(({ site, room }) => (room === unassigned ? [] : [`${site}/${room}`])));
  const sites = new Set(places.flatMap(({ site }) => (site === unassigned ? [] : [site])));
  const peaks = members.map((alarm) => alarm.severity);
  return {
    ...incident,
    root: root ?? incident.root,
    severity,
    peak: worst([incident.peak, ...peaks]) ?? severity,
    alarms: members.length,
    active: active.length,
    classes,
    rooms: rooms.size,
    sites: sites.size,
    examples: [...subjects.keys()]
      .filter((name) => name !== (root && subjectOf(root)))
      .slice(0, namedExamples),
  };
}

function worst(severities: readonly Severity[]): Severity | undefined {
  let found: Severity | undefined;
  for (const severity of severities) if (found === undefined || isWorse(severity, found)) found = severity;
  return found;
}
