import { describe, expect, it } from 'vitest';
import { formatStatus } from '../../../cli/status/format-status.js';
import type { Status } from '../../../cli/status/status.js';

const status: Status = {
  mqtt: { host: '127.0.0.1', port: 1883 },
  listeners: ['mqtt://127.0.0.1:1883', 'mqtts://127.0.0.1:8883'],
  http: 'http://127.0.0.1:8080',
  influx: { url: 'http://127.0.0.1:8086', database: 'campus', version: '1.6.7', kind: '1.x' },
  redis: 'redis://127.0.0.1:6379',
  dataFolder: '/srv/campus',
  processes: [{ role: 'ingest', pid: 4711, ready: true, restarts: 2, uptimeSeconds: 75 }],
  ledger: {
    received: 10,
    written: 6,
    quarantined: 1,
    expired: 0,
    duplicates: 2,
    pending: 1,
    unaccounted: 0,
    gaps: 3,
    late: 4,
  },
  refusals: { wrong_password: 7, revoked: 1 },
  refusalsSince: '2026-03-02T00:05:00.000Z',
  alarms: { active: 1, cleared: 5 },
  clock: { kind: 'wall', now: '2026-03-02T00:15:00.000Z' },
  sitesWithoutTimetable: [],
  trouble: [],
};

describe('the status for people', () => {
  it('shows addresses, the ledger as a sum, alarms and processes', () => {
    const text = formatStatus(status, 'Asia/Shanghai');
    expect(text).toContain('mqtt://127.0.0.1:1883, mqtts://127.0.0.1:8883');
    expect(text).toContain(
      '10 received = 6 written + 1 quarantined + 2 duplicates + 1 pending; 3 gaps, 4 late',
    );
    expect(text).toContain('1 active, 5 cleared');
    expect(text).toMatch(/Data folder +\/srv\/campus/);
    expect(text).toMatch(/ingest .* 4711 .* 2 .* 1 min 15 s/);
    expect(text).toMatch(
      /Refused +7 wrong_password, 1 revoked, since the broker started at 2026-03-02 08:05:00/,
    );
    expect(text).not.toContain('SIMULATED');
    const ledger = { ...status.ledger, received: 12, expired: 2 } as typeof status.ledger;
    expect(formatStatus({ ...status, ledger }, 'Asia/Shanghai')).toContain(
      '12 received = 6 written + 1 quarantined + 2 expired in quarantine + 2 duplicates + 1 pending',
    );
  });

  it('says of a process that is not ready that it is starting', () => {
    const processes = status.processes.map((process) => ({ ...process, ready: false }));
    expect(formatStatus({ ...status, processes }, 'Asia/Shanghai')).toContain('starting for 1 min 15 s');
  });

  it('says that the clock is simulated, and its time', () => {
    const text = formatStatus({ ...status, clock: { ...status.clock, kind: 'simulated' } }, 'Asia/Shanghai');
    expect(text).toContain('SIMULATED, 2026-03-02 08:15:00 Asia/Shanghai');
  });

  it('begins with what is wrong, and says what is not known because of it', () => {
    const text = formatStatus(
      {
        ...status,
        ledger: null,
        alarms: null,
        clock: { kind: null, now: null },
        influx: { url: null, database: 'campus', version: null, kind: null },
        trouble: ['Redis is away.'],
      },
      'Asia/Shanghai',
    );
    expect(text.startsWith('! Redis is away.\n')).toBe(true);
    expect(text).toMatch(/Readings +not known/);
    expect(text).toMatch(/Alarms +not known/);
    expect(text).toContain('does not answer');
  });
});
