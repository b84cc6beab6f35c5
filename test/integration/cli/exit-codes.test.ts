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
      const env = {
        DATA_DIR: dataDir,
        MQTT_PORT: String(await freePort()),
        HTTP_PORT: String(await freePort()),
      };
      const { code, stderr } = await campus(['up'], env);
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
