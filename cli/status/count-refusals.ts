import type { RoleReport } from '../../runtime/redis-role-report.js';
import type { Status } from './status.js';

/** What the brokers that run have refused since they started, by reason, the most frequent first, and since when. */
export function countRefusals(
  reports: readonly Pick<RoleReport, 'metrics' | 'startedAt'>[],
): Pick<Status, 'refusals' | 'refusalsSince'> {
  const counts = new Map<string, number>();
  let since = Infinity;
  for (const { metrics, startedAt } of reports) {
    for (const { name, values } of metrics) {
      if (name !== 'pc_mqtt_refusals_total') continue;
      since = Math.min(since, startedAt);
      for (const { labels, value } of values) {
        const reason = String(labels['reason']);
        counts.set(reason, (counts.get(reason) ?? 0) + value);
      }
    }
  }
  return {
    refusals: Object.fromEntries([...counts].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a)),
    refusalsSince: since === Infinity ? null : new Date(since).toISOString(),
  };
}
