import { startBroker } from '../../broker/app.js';
import { freePort } from '../../cli/stores/free-port.js';
import type { RoleContext } from '../../runtime/role.js';
import type { SettingName } from '../../runtime/settings.js';
import { createTestContext } from './role-context.js';
import { startTestRedis } from './stores.js';
import type { TestServer } from './stores.js';

/** The real broker in this process, on a Redis of its own. */
export interface TrialBroker {
  readonly port: number;
  readonly redis: TestServer;
  readonly context: RoleContext;
  /** The value of a metric, all labels together or of one. */
  metric(name: string, label?: string): Promise<number>;
  stop(): Promise<void>;
}

/** With `open` it is the broker of `campus broker --open-loopback`. */
export async function startTrialBroker(
  options: NonNullable<Parameters<typeof startBroker>[1]>,
  settings: Partial<Record<SettingName, string>> = {},
): Promise<TrialBroker> {
  const redis = await startTestRedis();
  const port = await freePort();
  const context = createTestContext({ redisUrl: redis.url }, { MQTT_PORT: String(port), ...settings });
  await startBroker(context, options);
  return {
    port,
    redis,
    context,
    metric: async (name, label) => {
      const found = await context.metrics.getSingleMetric(name)?.get();
      const values = found?.values.filter(
        ({ labels }) => label === undefined || Object.values(labels).includes(label),
      );
      return values?.reduce((sum, { value }) => sum + value, 0) ?? 0;
    },
    stop: async () => {
      await context.lifeCycle.stop();
      await redis.stop();
    },
  };
}
