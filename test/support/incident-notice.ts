import { firstHeard } from '../../alerts/incidents/desk-alarm.js';
import { openIncident, recount } from '../../alerts/incidents/incident-record.js';
import type { Incident, IncidentNotice } from '../../alerts/incidents/incident.js';
import type { OutboxEntry } from '../../rules/alarm.js';

/** An incident of one alarm, as the desk opens it. */
export function incidentOf(entry: OutboxEntry, changes: Partial<Incident> = {}): Incident {
  const alarm = firstHeard(entry, entry.alarm.raisedAt, []);
  return { ...recount(openIncident(alarm, 'alarm', entry.alarm.raisedAt), [alarm]), ...changes };
}

/** What people are told of it: that it was opened, or (of an alarm that is over) closed. */
export function noticeOf(entry: OutboxEntry, changes: Partial<Incident> = {}): IncidentNotice {
  const incident = incidentOf(entry, changes);
  const { kind, at } = entry.transition;
  if (kind !== 'clear') return { id: `${incident.id}~opened`, kind: 'opened', at, incident };
  return {
    id: `${incident.id}~closed-1`,
    kind: 'closed',
    at,
    incident: { ...incident, state: 'closed', closedAt: at },
  };
}
