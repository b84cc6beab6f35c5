/** A server that a pipeline needs; `mosquitto` is for the tests of bridges. */
export type ServerName = 'redis' | 'influxdb' | 'mosquitto';

/** The programs that each server can be, the preferred one first. */
export const serverPrograms: Readonly<Record<ServerName, readonly string[]>> = {
  redis: ['redis-server', 'valkey-server'],
  influxdb: ['influxd'],
  mosquitto: ['mosquitto'],
};

/** What a machine offers for installing programs. */
export interface Machine {
  /** Whether a program of this name is on the PATH. */
  readonly has: (program: string) => boolean;
  readonly isRoot: boolean;
  /** Whether systemd runs here: then packages may have started services of their own. */
  readonly hasSystemd: boolean;
}

/** The commands that install servers, to be run in turn. */
export interface InstallPlan {
  /** The package manager, for people. */
  readonly with: string;
  readonly commands: readonly (readonly string[])[];
  /** Run afterwards; a failure does not matter. */
  readonly afterwards: readonly (readonly string[])[];
}

const packages = {
  'apt-get': { redis: 'redis-server', influxdb: 'influxdb', mosquitto: 'mosquitto' },
  dnf: { redis: 'redis', influxdb: 'influxdb', mosquitto: 'mosquitto' },
  brew: { redis: 'redis', influxdb: 'influxdb@1', mosquitto: 'mosquitto' },
} as const;

/**
 * How to install what is missing with the system's own package manager; undefined when there is none that
 * we may use.
 */
export function planInstall(missing: readonly ServerName[], machine: Machine): InstallPlan | undefined {
  const manager = (['apt-get', 'dnf', 'brew'] as const).find((name) => machine.has(name));
  if (manager === undefined) return undefined;
  const names = missing.map((server) => packages[manager][server]);
  if (manager === 'brew') return { with: 'brew', commands: [['brew', 'install', ...names]], afterwards: [] };
  if (!machine.isRoot && !machine.has('sudo')) return undefined;
  const asRoot = machine.isRoot ? [] : ['sudo'];
  // The pipeline runs servers of its own: the distribution's need not run, now or after the next boot.
  const afterwards = machine.hasSystemd
    ? [[...asRoot, 'systemctl', 'disable', '--now', ...names.map((name) => `${name}.service`)]]
    : [];
  if (manager === 'dnf') {
    return { with: 'dnf', commands: [[...asRoot, 'dnf', 'install', '-y', ...names]], afterwards };
  }
  // RUNLEVEL=1 makes Debian's invoke-rc.d install a service without starting it.
  const quietly = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  return {
    with: 'apt-get',
    commands: [
      [...quietly, 'update', '-q'],
      [...quietly, 'install', '-q', '-y', '--no-install-recommends', ...names],
    ],
    afterwards,
  };
}
