import { expect, it } from 'vitest';
import { judgeRole } from '../../../dashboards/api/readiness.js';
import type { RoleReport } from '../../../runtime/redis-role-report.js';

const report = (over: Partial<RoleReport>): RoleReport => ({
  role: 'ingest',
  pid: 1,
  startedAt: 0,
  at: 0,
  metrics: [],
  ...over,
});

it('counts a role as ready when it reports no trouble', () => {
  expect(
    judgeRole('ingest', [report({}), report({ role: 'broker', trouble: 'none of its business' })]),
  ).toEqual({
    ok: true,
  });
});

it('names the role that has not reported', () => {
  expect(judgeRole('alerts', [report({})])).toEqual({
    ok: false,
    why: 'no process of the role "alerts" has reported lately',
  });
});

it('passes on the trouble of any of its processes', () => {
  expect(judgeRole('ingest', [report({}), report({ pid: 2, trouble: 'InfluxDB is full' })])).toEqual({
    ok: false,
    why: 'InfluxDB is full',
  });
});
