import { AggregatorRegistry } from 'prom-client';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** The metrics of one process, as `Registry.getMetricsAsJSON` gives them. */
export type ProcessMetrics = readonly MetricObjectWithValues<MetricValue<string>>[];

/**
 * The metrics of all processes as one text in the Prometheus format. Values with equal labels (two processes
 * of one role) are combined as each metric says, by default added up; others stand side by side.
 */
export function mergeMetrics(processes: readonly ProcessMetrics[]): Promise<string> {
  const merged = AggregatorRegistry.aggregate(
    processes.map((metrics) =>
      metrics.map((metric) => ({
        ...metric,
        // NaN, "nothing measured yet", has become null in JSON and is no number that Prometheus could read.
        values: metric.values.filter(({ value }) => typeof value === 'number'),
      })),
    ),
  );
  return merged.metrics();
}
