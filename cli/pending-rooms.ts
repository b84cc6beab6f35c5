// Stands in for rooms that are being built; removed when they are there.
import type { Alarm } from '../rules/alarm.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { RoleContext } from '../runtime/role.js';

const list = '../alerts/redis-alarm-list.js';
const alerts = '../alerts/app.js';
const api = '../dashboards/api/app.js';

export const listAlarms = async (redis: Redis, filter: { active?: boolean }): Promise<Alarm[]> =>
  (
    (await import(list)) as { listAlarms: (r: Redis, f: { active?: boolean }) => Promise<Alarm[]> }
  ).listAlarms(redis, filter);
export const countAlarms = async (redis: Redis): Promise<{ active: number; cleared: number }> =>
  (
    (await import(list)) as { countAlarms: (r: Redis) => Promise<{ active: number; cleared: number }> }
  ).countAlarms(redis);
export const startAlerts = async (context: RoleContext): Promise<unknown> =>
  ((await import(alerts)) as { startAlerts: (c: RoleContext) => Promise<unknown> }).startAlerts(context);
export const startApi = async (context: RoleContext): Promise<unknown> =>
  ((await import(api)) as { startApi: (c: RoleContext) => Promise<unknown> }).startApi(context);
