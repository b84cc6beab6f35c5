import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { projectRoot } from '../../../runtime/project-root.js';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-exit-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The built `campus` in a process of its own, with its output in pipes. */
function campus(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const command = [join(projectRoot, 'dist/cli/main.js'), ...args];
    const options = {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      timeout: 50_000,
    };
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 99 : 0, stdout, stderr });
    });
  });
}

describe('a start that can not be', () => {
  it.each([
    ['a wrong value', { MQTT_PORT: 'abc' }, 'MQTT_PORT=abc must be a port number'],
    ['two servers on one port', { MQTT_PORT: '8080' }, 'MQTT_PORT and HTTP_PORT are both 8080'],
    ['no mail address', { MAIL_FROM: '@' }, 'MAIL_FROM has "@", which is no mail address'],
    [
      'no bridges',
      { BRIDGES_FILE: '/nosuch.yaml' },
      "The file of bridges /nosuch.yaml can't be read: there is no such file; check BRIDGES_FILE.\n",
    ],
    ['no certificate', { MQTT_TLS_PORT: '8883' }, "TLS can't use "],
    ['no rules', { RULES_DIR: '/nosuch' }, '/nosuch: there is no such folder of rules.'],
  ])(
    'because of %s ends with 1 and one sentence, before anything is written',
    async (_what, env, sentence) => {
      const dataDir = join(folder, 'nothing');
      const { code, stdout, stderr } = await campus(['up'], { DATA_DIR: dataDir, ...env });
      expect(stderr).toMatch(/^campus: /);
      expect(stderr).toContain(sentence);
      expect(stderr).not.toMatch(/\n\s+at |Invalid/);
      expect([code, stdout, existsSync(dataDir)]).toEqual([1, '', false]);
    },
  );

  it('because of a taken port ends with 1 and leaves no folder behind', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const dataDir = join(folder, 'taken');
    const env = { DATA_DIR: dataDir, MQTT_PORT: String(await freePort()), HTTP_PORT: String(port) };
    const { code, stderr } = await campus(['up'], env);
    await new Promise((resolve) => other.close(resolve));
    expect(stderr).toContain(`campus: Port ${port} on 127.0.0.1 is taken by another program`);
    expect([code, existsSync(dataDir)]).toEqual([1, false]);
  });

  it.each(['/proc/nope', '/proc/nope/deeper', '/dev/null/var'])(
    'because nothing can be written to %s ends with 1, at once',
    async (dataDir) => {
      // Whether the ports are free is asked afterwards: a folder is easier to choose.
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      const env = { DATA_DIR: dataDir, MQTT_PORT: String(await freePort()), HTTP_PORT: String(port) };
      const { code, stderr } = await campus(['up'], env);
      await new Promise((resolve) => other.close(resolve));
      expect(stderr).toMatch(
        new RegExp(`^campus: The data folder ${dataDir} can't be written \\(\\w+\\): choose`),
      );
      expect(code).toBe(1);
    },
  );

  it('says on the line of the step what failed in it', async () => {
    const env = {
      DATA_DIR: join(folder, 'away'),
      MQTT_PORT: String(await freePort()),
      HTTP_PORT: String(await freePort()),
      REDIS_URL: 'redis://127.0.0.1:1',
      INFLUX_URL: 'http://127.0.0.1:1',
    };
    const { code, stdout, stderr } = await campus(['up'], env);
    expect(stdout).toMatch(
      /^FAIL Redis +Redis at redis:\/\/127\.0\.0\.1:1 can't be reached: .*ECONNREFUSED.* \(\d/m,
    );
    expect(stderr).toMatch(/^campus: Redis at redis:\/\/127\.0\.0\.1:1 can't be reached/);
    expect(code).toBe(1);
  });
});

describe('verbs', () => {
  it('that do not exist end with 1 and name the nearest one', async () => {
    const { code, stderr } = await campus(['statu']);
    expect(stderr).toContain('Did you mean status?');
    expect(code).toBe(1);
  });

  it.each(['list', 'replay'])(
    'quarantine %s refuses a reason that does not exist, and lists those that do',
    async (verb) => {
      const { code, stderr } = await campus(['quarantine', verb, '--reason', 'nosuch']);
      expect(stderr).toMatch(/Allowed choices are not_json, .*same_timestamp/);
      expect(code).toBe(1);
    },
  );

  it.each([
    [['--help'], 'start the pipeline and keep it running'],
    [['replay', '--help'], '--keep-time'],
    [['help', 'quarantine', 'replay'], '--all'],
    [['demo', '--help'], 'DATA_DIR, default var/demo'],
    [['up', '--help'], 'fatal, error, warn, info, debug, trace, silent'],
  ])('%j shows help and ends with 0', async (args, part) => {
    const { code, stdout } = await campus(args);
    expect(stdout.replace(/\s+/g, ' ')).toContain(part);
    expect(stdout).not.toContain('preset');
    expect(code).toBe(0);
  });

  it('rules check says of a file that it is no folder, and names that', async () => {
    const file = join(folder, 'one-rule.yaml');
    await writeFile(file, '');
    const { code, stderr } = await campus(['rules', 'check', file]);
    expect(stderr).toBe(
      `campus: No rule was loaded: ${file}: this is no folder; name the folder that holds the rule files (${folder}).\n`,
    );
    expect(code).toBe(1);
  });

  const bridge = (name: string, more: string) =>
    `- name: ${name}\n  url: mqtt://127.0.0.1\n${more}  subscriptions: [{ profile: zigbee2mqtt, site: school-7 }]\n`;

  it('bridges check says in one line that all is good, and what it could not ask', async () => {
    const file = join(folder, 'good.yaml');
    await writeFile(file, bridge('a', '  passwordEnv: A_SECRET\n') + bridge('b', ''));
    const here = { A_SECRET: 'x', DATA_DIR: join(folder, 'nothing') };
    const { code, stdout } = await campus(['bridges', 'check', file], here);
    expect(stdout).toMatch(/^2 bridges, all good: .*; no pipeline runs to ask whether/m);
    expect(code).toBe(0);
  });

  it('bridges check fails for every secret that is not there', async () => {
    const file = join(folder, 'bad.yaml');
    await writeFile(file, bridge('a', '  passwordEnv: A_SECRET\n') + bridge('b', '  passwordFile: nosuch\n'));
    const { code, stderr } = await campus(['bridges', 'check', file], { DATA_DIR: join(folder, 'nothing') });
    expect(stderr).toMatch(
      /^campus: Bridge "a": .* A_SECRET, which is not set\.\n +Bridge "b": passwordFile can't be read/,
    );
    expect(code).toBe(1);
  });

  it('config names the variable that a misspelt one was probably to be', async () => {
    const { code, stdout } = await campus(['config'], { MQTT_PROT: '1884', HTTP_PROXY: 'http://proxy' });
    expect(stdout).toContain('MQTT_PROT is no setting and is ignored. Did you mean MQTT_PORT?');
    expect(stdout).not.toContain('HTTP_PROXY');
    expect(code).toBe(0);
  });

  it('a misspelt variable is named beside a setting that is wrong', async () => {
    const { code, stderr } = await campus(['config'], { MQTT_PROT: '1884', HTTP_PORT: 'x' });
    expect(stderr).toContain('HTTP_PORT');
    expect(stderr).toContain('MQTT_PROT is no setting and is ignored. Did you mean MQTT_PORT?');
    expect(code).toBe(1);
  });

  it('profiles check names the line of a mistake in the JavaScript', async () => {
    const file = join(folder, 'profiles/acme/profile.js');
    await mkdir(join(folder, 'profiles/acme'), { recursive: true });
    await writeFile(file, 'export const profile = {\n  name:: 1,\n};\n');
    const { code, stderr } = await campus(['profiles', 'check', join(folder, 'profiles')]);
    expect(stderr).toContain(`campus: ${file}:2 can't be loaded: SyntaxError: `);
    expect(code).toBe(1);
  });

  it('rules check --json answers mistakes as JSON, with 1', async () => {
    const rules = join(folder, 'rules');
    await mkdir(rules);
    await writeFile(join(rules, 'a.yaml'), 'id: x\nseverity: loud\n');
    const { code, stdout } = await campus(['rules', 'check', rules, '--json']);
    const mistakes = JSON.parse(stdout) as unknown[];
    expect(mistakes).toContainEqual({
      file: join(rules, 'a.yaml'),
      line: 2,
      column: expect.any(Number) as number,
      message: expect.stringContaining('severity') as string,
    });
    expect(code).toBe(1);
  });
});
