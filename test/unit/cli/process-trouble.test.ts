import { describe, expect, it } from 'vitest';
import { findProcessTrouble } from '../../../cli/status/process-trouble.js';
import type { RoleReport } from '../../../runtime/redis-role-report.js';

const now = Date.parse('2026-03-02T00:00:00Z');
const alerts = { role: 'alerts', pid: 7, ready: true, restarts: 0, startedAt: now - 60_000 };
const report = { role: 'alerts', pid: 7 } as RoleReport;
const isRunning = () => true;

describe('the trouble of a process', () => {
  it.each([
    ['it has reported', alerts, [report], []],
    ['it is no role', { ...alerts, role: 'redis' }, [], []],
    ['it has only just started', { ...alerts, startedAt: now - 5000 }, [], []],
    ['Redis can not be asked', alerts, undefined, []],
    ['it has reported nothing lately', alerts, [], ['alerts (process 7) hangs']],
    ['another process has its role', alerts, [{ ...report, pid: 8 }], ['alerts (process 7) hangs']],
    ['it died once', { ...alerts, restarts: 1 }, [report], []],
    [
      'it died again and again',
      { ...alerts, restarts: 4 },
      [report],
      ['alerts has died 4 times, the last time 1 min ago'],
    ],
    ['it died long ago', { ...alerts, restarts: 4, startedAt: now - 3_600_000 }, [report], []],
  ])('is told as it is when %s', (_when, process, reports, expected) => {
    const trouble = findProcessTrouble([process], { isRunning, reports, now });
    expect(trouble).toHaveLength(expected.length);
    for (const [i, part] of expected.entries()) expect(trouble[i]).toContain(part);
  });

  it('is that it is gone when it is', () => {
    const trouble = findProcessTrouble([alerts], { isRunning: () => false, reports: [], now });
    expect(trouble).toEqual(['alerts is not running.']);
  });
});
