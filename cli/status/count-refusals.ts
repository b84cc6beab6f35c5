import type { RoleReport } from '../../runtime/redis-role-report.js';

/** What the brokers that run have refused since they started, by reason, the most frequent first. */
export function countRefusals(reports: readonly Pick<RoleReport, 'metrics'>[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { metrics } of reports) {
    for (const { name, values } of metrics) {
      if (name !== 'pc_mqtt_refusals_total') continue;
      for (const { labels, value } of values) {
        const reason = String(labels['reason']);
        counts.set(reason, (counts.get(reason) ?? 0) + value);
      }
    }
  }
  return Object.fromEntries([...counts].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}
