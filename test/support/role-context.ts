import { Registry } from 'prom-client';
import { createClock } from '../../runtime/clock.js';
import type { ClockSpec } from '../../runtime/clock.js';
import { LifeCycle } from '../../runtime/life-cycle.js';
import { createLogger } from '../../runtime/logger.js';
import type { RoleContext } from '../../runtime/role.js';
import { parseSettings } from '../../runtime/settings.js';
import type { SettingName } from '../../runtime/settings.js';

/** What a role is started with in a test: real stores, quiet log, settings by name. */
export function createTestContext(
  stores: { readonly redisUrl: string; readonly influxUrl?: string },
  settings: Partial<Record<SettingName, string>> = {},
  clock: ClockSpec = { kind: 'wall' },
): RoleContext {
  const log = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');
  return {
    settings: parseSettings({}, settings),
    redisUrl: stores.redisUrl,
    influxUrl: stores.influxUrl ?? 'http://127.0.0.1:1',
    clock: createClock(clock),
    log,
    lifeCycle: new LifeCycle(log),
    metrics: new Registry(),
  };
}
