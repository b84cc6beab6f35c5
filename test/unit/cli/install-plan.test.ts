import { describe, expect, it } from 'vitest';
import { planInstall } from '../../../cli/stores/install-plan.js';
import type { Machine, ServerName } from '../../../cli/stores/install-plan.js';

function machine(programs: readonly string[], more: Partial<Machine> = {}): Machine {
  return { has: (program) => programs.includes(program), isRoot: false, hasSystemd: false, ...more };
}

const both: readonly ServerName[] = ['redis', 'influxdb'];

describe('the install plan', () => {
  it('asks apt as root, without questions, suggestions or started services', () => {
    const plan = planInstall(both, machine(['apt-get'], { isRoot: true }));
    const quietly = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
    expect(plan?.commands).toEqual([
      [...quietly, 'update', '-q'],
      [...quietly, 'install', '-q', '-y', '--no-install-recommends', 'redis-server', 'influxdb'],
    ]);
    expect(plan?.afterwards).toEqual([]);
  });

  it('goes through sudo for everybody else', () => {
    const plan = planInstall(both, machine(['apt-get', 'sudo']));
    expect(plan?.commands.map(([program]) => program)).toEqual(['sudo', 'sudo']);
  });

  it('installs only what is missing', () => {
    const plan = planInstall(['influxdb'], machine(['dnf'], { isRoot: true }));
    expect(plan?.commands).toEqual([['dnf', 'install', '-y', 'influxdb']]);
  });

  it('asks brew as the user, for the InfluxDB that still has influxd', () => {
    const plan = planInstall(both, machine(['brew', 'sudo']));
    expect(plan?.commands).toEqual([['brew', 'install', 'redis', 'influxdb@1']]);
  });

  it('stops the services that systemd may have started', () => {
    const plan = planInstall(both, machine(['apt-get', 'sudo'], { hasSystemd: true }));
    expect(plan?.afterwards).toEqual([
      ['sudo', 'systemctl', 'disable', '--now', 'redis-server.service', 'influxdb.service'],
    ]);
  });

  it.each([
    ['there is no package manager that it knows', machine(['sudo', 'pacman'])],
    ['nobody may become root', machine(['apt-get'])],
  ])('is none when %s', (_, where) => {
    expect(planInstall(both, where)).toBeUndefined();
  });
});
