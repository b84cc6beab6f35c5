import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../cli/stores/find-program.js';
import { ensureServers } from '../../../cli/stores/install-servers.js';

let folder: string;
const path = process.env.PATH;

/** A machine on which only these programs can be found. */
async function machineWith(programs: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  await symlink('/usr/bin/env', join(folder, 'env'));
  process.env.PATH = folder;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-machine-'));
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true, force: true });
});

describe('a missing database server', () => {
  it('is installed with apt, said before it is done and without questions', async () => {
    const log = join(folder, 'log');
    await machineWith({
      sudo: 'exec "$@"',
      'apt-get': `echo "$DEBIAN_FRONTEND $*" >> ${log}
case "$*" in *install*) for p in redis-server influxd; do /bin/cp ${join(folder, 'sudo')} ${folder}/$p; done;; esac`,
    });
    const said: string[] = [];
    const found = await ensureServers(['redis', 'influxdb'], (doing) => said.push(doing));
    expect(found).toEqual({ redis: join(folder, 'redis-server'), influxdb: join(folder, 'influxd') });
    expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual([
      'noninteractive update -q',
      'noninteractive install -q -y --no-install-recommends redis-server influxdb',
    ]);
    expect(said.at(-1)).toMatch(/^installing redis and influxdb: .*apt-get install/);
  });

  it('that the package manager can not install is one message with the reason and the alternative', async () => {
    await machineWith({ sudo: 'exec "$@"', 'apt-get': 'echo "E: Unable to locate package" >&2; exit 100' });
    await expect(ensureServers(['influxdb'], () => undefined)).rejects.toThrow(
      /Installing influxdb with apt-get failed.*Unable to locate package.*docker compose up/,
    );
  });

  it('is one message with the alternative where there is no package manager', async () => {
    await machineWith({});
    await expect(ensureServers(['redis'], () => undefined)).rejects.toThrow(
      /redis is missing.*docker compose up/,
    );
  });

  it('is not missing when Valkey is there', async () => {
    await machineWith({ 'valkey-server': '' });
    expect(await ensureServers(['redis'], () => undefined)).toEqual({ redis: join(folder, 'valkey-server') });
  });
});

describe('finding a program', () => {
  it('takes only what can be executed', async () => {
    await writeFile(join(folder, 'campus-test-program'), '');
    expect(findProgram(['campus-test-program'], folder)).toBeUndefined();
    await chmod(join(folder, 'campus-test-program'), 0o755);
    expect(findProgram(['campus-test-program'], folder)).toBe(join(folder, 'campus-test-program'));
  });
});
