import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { startBroker } from '../../broker/app.js';
import { freePort } from '../../cli/stores/free-port.js';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { createClock } from '../../runtime/clock.js';
import { LifeCycle } from '../../runtime/life-cycle.js';
import { createLogger } from '../../runtime/logger.js';
import { parseSettings } from '../../runtime/settings.js';
import type { PublishOrder } from './publisher.js';

/** What the parent is told when the broker listens. */
export interface CampusBrokerReady {
  readonly port: number;
  readonly devices: PublishOrder['devices'];
}

// Our front door as it runs in production, alone: accounts, authorisation, group commit to the given Redis.
// A connection of the benchmarks stands for many devices, so that their rate is not limited unless asked for.
const [redisUrl = '', devices = '0', limits] = process.argv.slice(2);
const rates =
  limits === '--as-shipped' ? {} : { MQTT_MAX_RATE: '1000000', MQTT_MAX_BYTES_PER_S: '1000000000' };
const redis = new Redis(redisUrl);
const log = createLogger('broker', 'error');
const lifeCycle = new LifeCycle(log);
const port = await freePort();
await startBroker({
  settings: parseSettings({}, { MQTT_PORT: String(port), ...rates }),
  redisUrl,
  influxUrl: '',
  clock: createClock({ kind: 'wall' }),
  log,
  lifeCycle,
  metrics: new Registry(),
});
const issued = [];
for (let i = 0; i < Number(devices); i++) {
  const issue = await issueCredentials(redis, {
    site: `site-${i % 20}`,
    device: `bench-${i}`,
    deviceClass: 'sensor',
  });
  issued.push({ clientId: issue.clientId, password: issue.password, topic: `${issue.topicPrefix}telemetry` });
}
const ready: CampusBrokerReady = { port, devices: issued };
process.send?.(ready);
process.on('SIGTERM', () => void lifeCycle.stop().then(() => process.exit(0)));
