import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { CampusProcess } from '../support/campus-process.js';
import { publishFromProcess } from './processes.js';
import { median, report, rounded, say } from './report.js';

// Readings a second through the whole pipeline as users run it (`campus up`, shipped rules on): from the first
// PUBLISH until InfluxDB answers a query with all of them. Publisher and databases share the machine.
const devices = 200;
const readingsPerDevice = 2000;
const window = 40;
const rounds = 3;

const campus = await CampusProcess.start({ LOG_LEVEL: 'warn' });
try {
  const { influx, http, redis: redisUrl } = await campus.status();
  const redis = new Redis(redisUrl);
  const accounts = [];
  for (let i = 0; i < devices; i++) {
    const { clientId, password, topicPrefix } = await issueCredentials(redis, {
      site: `site-${i % 20}`,
      device: `bench-${i}`,
      deviceClass: 'sensor',
    });
    accounts.push({ clientId, password, topic: `${topicPrefix}telemetry` });
  }
  const database = await openInflux({ url: influx.url, bucket: influx.database });
  const stored = async () =>
    Number((await database.query('SELECT count(co2_ppm) FROM sensor'))[0]?.['count'] ?? 0);

  const shards = Array.from({ length: await readShardCount(redis) }, (_, shard) => shard);
  const settled = async () => {
    const counts = await Promise.all(shards.map((shard) => redis.hget(redisKeys.store(shard), '@settled')));
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
  };

  say(
    `${devices} devices, ${readingsPerDevice} readings each, one a message, six metrics; ${rounds} rounds after a warm-up`,
  );
  const rates: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = await stored();
    const boot = `round-${round}`;
    const order = {
      port: campus.mqttPort,
      devices: accounts,
      messagesPerDevice: readingsPerDevice,
      window,
      boot,
    };
    const published = await publishFromProcess({ ...order, firstTs: Date.now() - readingsPerDevice });
    // Counting a million points over and over would be half of InfluxDB's work: it is asked when all is settled.
    while ((await settled()) < (round + 1) * devices * readingsPerDevice) await sleep(50);
    while ((await stored()) - before < devices * readingsPerDevice) await sleep(50);
    const seconds = (Date.now() - published.startedAt) / 1000;
    say(
      `  ${Math.round((devices * readingsPerDevice) / seconds)} readings/s ` +
        `(acknowledged at ${Math.round(published.acknowledged / published.seconds)}/s)`,
    );
    if (round > 0) rates.push((devices * readingsPerDevice) / seconds);
  }

  redis.disconnect();
  await sleep(3000); // the roles report their metrics every two seconds
  const metrics = await (await fetch(new URL('/metrics', http))).text();
  const result = {
    readingsPerSecond: Math.round(median(rates)),
    p99StoredMs: rounded(1000 * quantileOf(metrics, 'pc_stored_seconds', 0.99)),
  };
  report(result, [
    `${result.readingsPerSecond} readings/s from first PUBLISH until all can be queried`,
    `p99 from arrival to confirmed by InfluxDB, under this load: ${result.p99StoredMs} ms`,
  ]);
} finally {
  await campus.remove();
}

/** A quantile of a Prometheus histogram, read between its buckets. */
function quantileOf(metrics: string, name: string, q: number): number {
  const buckets = [
    ...metrics.matchAll(new RegExp(`^${name}_bucket\\{(?:[^}]*,)?le="([^"]+)"[^}]*\\} (\\S+)`, 'gm')),
  ]
    .map(([, le, count]) => ({ le: le === '+Inf' ? Infinity : Number(le), count: Number(count) }))
    .sort((a, b) => a.le - b.le);
  const total = buckets.at(-1)?.count ?? 0;
  const at = buckets.findIndex(({ count }) => count >= q * total);
  const bucket = buckets[at];
  if (bucket === undefined || total === 0) throw new Error(`no histogram ${name} in /metrics`);
  const lower = buckets[at - 1] ?? { le: 0, count: 0 };
  return lower.le + ((q * total - lower.count) / (bucket.count - lower.count)) * (bucket.le - lower.le);
}
