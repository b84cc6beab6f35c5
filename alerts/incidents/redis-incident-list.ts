import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { DeskAlarm } from './desk-alarm.js';
import type { Incident, IncidentEvent } from './incident.js';

/** The incidents of the city, the newest first: the open ones, or those that are remembered, too. */
export async function listIncidents(redis: Redis, which: 'open' | 'all'): Promise<Incident[]> {
  const keys = which === 'all' ? [redisKeys.incidents, redisKeys.pastIncidents] : [redisKeys.incidents];
  const records = await Promise.all(keys.map((key) => redis.hvals(key)));
  return records
    .flat()
    .map((json) => JSON.parse(json) as Incident)
    .sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? -1 : 1));
}

/** An incident, open or remembered; undefined where there is none of that id. */
export async function findIncident(redis: Redis, id: string): Promise<Incident | undefined> {
  const [open, past] = await Promise.all([
    redis.hget(redisKeys.incidents, id),
    redis.hget(redisKeys.pastIncidents, id),
  ]);
  const json = open ?? past;
  return json === null ? undefined : (JSON.parse(json) as Incident);
}

/** What happened to an incident, in order. */
export async function readStory(redis: Redis, incident: string): Promise<IncidentEvent[]> {
  const steps = await redis.hvals(redisKeys.incidentStory(incident));
  const order = ({ id }: IncidentEvent) => (/^\d+$/.test(id) ? Number(id) : Infinity);
  return steps
    .map((json) => JSON.parse(json) as IncidentEvent)
    .sort((a, b) => a.at - b.at || order(a) - order(b) || (a.id < b.id ? -1 : 1));
}

/** The alarms of an incident, the earliest first; those that are forgotten by now are left out. */
export async function readIncidentAlarms(redis: Redis, incident: string): Promise<DeskAlarm[]> {
  const ids = await redis.smembers(redisKeys.incidentAlarms(incident));
  if (ids.length === 0) return [];
  const found = await Promise.all(
    [redisKeys.deskAlarms, redisKeys.deskPastAlarms].map((key) => redis.hmget(key, ...ids)),
  );
  return ids
    .flatMap((_, i) => found[0]?.[i] ?? found[1]?.[i] ?? [])
    .map((json) => JSON.parse(json) as DeskAlarm)
    .sort((a, b) => a.raisedAt - b.raisedAt || (a.id < b.id ? -1 : 1));
}
