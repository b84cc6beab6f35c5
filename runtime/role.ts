import type { Registry } from 'prom-client';
import type { Clock } from './clock.js';
import type { LifeCycle } from './life-cycle.js';
import type { Logger } from './logger.js';
import type { Settings } from './settings.js';

/** What every role is given to start with; each room's `app.ts` takes one and registers its teardowns. */
export interface RoleContext {
  readonly settings: Settings;
  readonly redisUrl: string;
  readonly influxUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lifeCycle: LifeCycle;
  /** The role's metrics, reported with its heartbeat and shown by the API under `/metrics`. */
  readonly metrics: Registry;
}
