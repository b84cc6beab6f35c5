import type { DeskAlarm } from '../../alerts/incidents/desk-alarm.js';
import type { Incident, IncidentEvent } from '../../alerts/incidents/incident.js';
import { readIncidentAlarms, readStory } from '../../alerts/incidents/redis-incident-list.js';
import { isExpectedFailure } from '../expected-failure.js';
import { openHistory, readSurroundings } from '../history/surroundings.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { findRules } from '../rules/find-rules.js';
import { tellAlarmStory } from '../why/alarm-story.js';
import type { AlarmStory } from '../why/alarm-story.js';
import { findAlarm } from '../why/find-alarm.js';
import { findNamedIncident } from './find-incident.js';

/** All that is known of an incident. */
export interface IncidentStory {
  readonly incident: Incident;
  /** Readings and rule of each transition of its root; undefined where the judge has forgotten it. */
  readonly root: AlarmStory | undefined;
  /** Why there are no readings, where InfluxDB could not be asked. */
  readonly trouble: string | undefined;
  /** The earliest first. */
  readonly alarms: readonly DeskAlarm[];
  readonly events: readonly IncidentEvent[];
}

/** @throws AppError `unknown_incident`, `ambiguous_incident` */
export async function tellIncident(
  id: string,
  options: Readonly<Record<string, unknown>>,
): Promise<IncidentStory> {
  const { redisUrl } = findInstance(options);
  const told = await withRedis(redisUrl, async (redis) => {
    const incident = await findNamedIncident(redis, id);
    const [alarms, events, root] = await Promise.all([
      readIncidentAlarms(redis, incident.id),
      readStory(redis, incident.id),
      findAlarm(redis, incident.root.id).catch((error: unknown) => {
        if (!isExpectedFailure(error)) throw error;
        return undefined;
      }),
    ]);
    return { incident, alarms, events, root };
  });
  if (told.root === undefined) return { ...told, root: undefined, trouble: undefined };
  const [surroundings, rules] = await Promise.all([readSurroundings(options), findRules(options)]);
  let trouble: string | undefined;
  const influx = await openHistory(surroundings).catch((error: unknown) => {
    if (!isExpectedFailure(error)) throw error;
    trouble = error.message;
    return undefined;
  });
  return { ...told, root: await tellAlarmStory(told.root, rules, influx, surroundings), trouble };
}
