import { Counter, Gauge, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { mergeMetrics } from '../../../dashboards/api/merge-metrics.js';
import type { ProcessMetrics } from '../../../dashboards/api/merge-metrics.js';

/** What a role reports, after its way through JSON in Redis. */
async function reported(role: string, messages: number, lag: number): Promise<ProcessMetrics> {
  const registry = new Registry();
  registry.setDefaultLabels({ role });
  new Counter({ name: 'pc_messages_total', help: 'Messages', registers: [registry] }).inc(messages);
  new Gauge({ name: 'pc_lag_seconds', help: 'Lag', registers: [registry], aggregator: 'max' }).set(lag);
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as ProcessMetrics;
}

const lines = async (...processes: ProcessMetrics[]) => (await mergeMetrics(processes)).split('\n');

it('keeps the metrics of different roles apart', async () => {
  const text = await lines(await reported('broker', 3, 1), await reported('ingest', 4, 2));
  expect(text).toContain('pc_messages_total{role="broker"} 3');
  expect(text).toContain('pc_messages_total{role="ingest"} 4');
  expect(text.filter((line) => line === '# TYPE pc_messages_total counter')).toHaveLength(1);
});

it('combines two processes of one role as the metric says', async () => {
  const text = await lines(await reported('ingest', 3, 7), await reported('ingest', 4, 2));
  expect(text).toContain('pc_messages_total{role="ingest"} 7');
  expect(text).toContain('pc_lag_seconds{role="ingest"} 7');
});

it('leaves out what is not a number yet', async () => {
  const text = await lines(await reported('broker', 1, NaN));
  expect(text).toContain('pc_messages_total{role="broker"} 1');
  expect(text.filter((line) => line.startsWith('pc_lag_seconds'))).toEqual([]);
});
