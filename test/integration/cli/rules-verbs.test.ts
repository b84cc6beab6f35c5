import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withRedis } from '../../../cli/redis-session.js';
import { settleClock } from '../../../runtime/redis-clock.js';
import { parseSettings } from '../../../runtime/settings.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const run = promisify(execFile);
const campusFile = join(import.meta.dirname, '../../../cli/campus.mjs');

let server: TestServer;
let folder: string;

beforeAll(async () => {
  [server, folder] = await Promise.all([startTestRedis(), mkdtemp(join(tmpdir(), 'campus-rules-'))]);
  // As "campus up" does.
  await withRedis(server.url, (redis) => settleClock(redis, parseSettings({})));
});
afterAll(async () => {
  await Promise.all([server.stop(), rm(folder, { recursive: true, force: true })]);
});

/** What the built `campus <args>` prints; it fails where that ends with another code than 0. */
async function campus(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [campusFile, ...args], {
    env: { ...process.env, DATA_DIR: join(folder, 'var'), REDIS_URL: server.url },
  });
  return stdout;
}

describe('campus rules', () => {
  it('explains a rule in words of both languages, with its condition as written', async () => {
    const text = (await campus('rules', 'explain', 'desk-light-low')).replace(/\s+/g, ' ');
    expect(text).toContain('桌面照度（10 分钟平均）');
    expect(text).toContain('School hours = lesson');
    expect(text).toContain('(mean(lux, "10m") < 300');
    expect(text).toContain('Timetable needed');
  });

  it('puts a rule in another mode and back, and tells who did', async () => {
    const put = await campus('rules', 'shadow', 'co2-high', '--json');
    expect(JSON.parse(put)).toMatchObject([{ rule: 'co2-high', from: 'on', to: 'shadow', changed: true }]);
    const listed = await campus('rules', 'list', '--mode', 'shadow', '--json');
    expect(JSON.parse(listed)).toMatchObject([{ id: 'co2-high', modeFrom: 'command', writtenMode: 'on' }]);
    expect(await campus('rules', 'reset', 'co2-high')).toContain('co2-high: on (it was shadow).');
    expect(JSON.parse(await campus('rules', 'audit', '--json'))).toHaveLength(2);
  });

  it('refuses a file with a mistake with code 1, line and column', async () => {
    await writeFile(join(folder, 'own.yaml'), '- id: own\n  condition: co2_pm > 1\n');
    const refused = run(process.execPath, [campusFile, 'rules', 'check', folder]);
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('own.yaml:') as string,
    });
  });
});

describe('campus maintenance', () => {
  it('announces work, lists it and ends it', async () => {
    await campus('devices', 'issue', '--site', 'school-1', '--class', 'sensor', '--device', 'd1');
    const added = await campus(
      'maintenance',
      'add',
      '--site',
      'school-1',
      '--for',
      '2h',
      '--reason',
      '换线',
      '--json',
    );
    const { id } = JSON.parse(added) as { id: string };
    expect(await campus('maintenance', 'list')).toContain('换线');
    await campus('maintenance', 'end', id);
    expect(await campus('maintenance', 'list')).not.toContain('换线');
  });
});
