import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../cli/program.js';
import type { Status } from '../../../cli/status/status.js';
import { withRedis } from '../../../cli/redis-session.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { startPipeline } from '../../../cli/supervisor/start-pipeline.js';
import type { Pipeline } from '../../../cli/supervisor/start-pipeline.js';
import { silentSteps } from '../../../cli/terminal/steps.js';
import { claimCredentials, issueClaimToken } from '../../../devices/redis-claims.js';
import type { Credentials } from '../../../devices/credential.js';
import { settleShards } from '../../../ingest/log/redis-shards.js';
import { keepRuleSet } from '../../../ingest/rules/redis-rule-sets.js';
import { parseRuleSet } from '../../../ingest/rules/rule-set.js';
import { parseSettings } from '../../../runtime/settings.js';

let folder: string;
let pipeline: Pipeline;

// The verbs need the databases of a pipeline; its roles are tested elsewhere.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-verbs-'));
  const settings = parseSettings({
    DATA_DIR: join(folder, 'var'),
    MQTT_PORT: String(await freePort()),
    HTTP_PORT: String(await freePort()),
    SIM_SPEED: '60',
  });
  pipeline = await startPipeline(settings, {
    steps: silentSteps,
    signal: new AbortController().signal,
    roles: [],
  });
});
afterAll(async () => {
  await pipeline.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What `campus <args>` prints. */
async function campus(...args: string[]): Promise<string> {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return print.mock.calls.map(([line]) => String(line)).join('\n');
  } finally {
    print.mockRestore();
  }
}

const here = () => ['--data-dir', join(folder, 'var')];

describe('campus status', () => {
  it('prints the promised JSON', async () => {
    const status = JSON.parse(await campus('status', '--json', ...here())) as Status;
    expect(status).toMatchObject({
      mqtt: { host: '127.0.0.1', port: pipeline.settings.MQTT_PORT },
      http: `http://127.0.0.1:${pipeline.settings.HTTP_PORT}`,
      influx: { url: pipeline.settings.INFLUX_URL, database: 'campus', kind: '1.x' },
      redis: pipeline.settings.REDIS_URL,
      ledger: { received: 0, written: 0, quarantined: 0, duplicates: 0, gaps: 0, late: 0, pending: 0 },
      alarms: { active: 0, cleared: 0 },
      dataFolder: join(folder, 'var'),
      trouble: [],
    });
    expect(status.processes.map(({ role, restarts }) => [role, restarts])).toEqual([
      ['redis', 0],
      ['influxdb', 0],
    ]);
    expect(status.processes[0]?.pid).toBe(pipeline.processes[0]?.pid);
  });

  it('says for people that the clock is simulated', async () => {
    expect(await campus('status', ...here())).toContain('SIMULATED');
  });

  it('still answers, and says so, when Redis does not', async () => {
    const redis = pipeline.processes.find(({ role }) => role === 'redis')?.pid ?? 0;
    process.kill(redis, 'SIGSTOP');
    try {
      const status = JSON.parse(await campus('status', '--json', ...here())) as Status;
      expect(status.ledger).toBeNull();
      expect(status.trouble.join()).toMatch(/Redis/);
      expect(status.influx.kind).toBe('1.x');
    } finally {
      process.kill(redis, 'SIGCONT');
    }
  });

  it('says in one sentence that nothing runs', async () => {
    await expect(campus('status', '--data-dir', join(folder, 'nothing'))).rejects.toThrow(
      /^No pipeline runs on .*nothing: start one with "campus up"/,
    );
  });
});

describe('campus devices issue', () => {
  const issue = (...more: string[]) =>
    campus(
      'devices',
      'issue',
      '--site',
      'school-1',
      '--class',
      'sensor',
      '--device',
      'co2-1',
      ...more,
      ...here(),
    );

  it('prints what to type into the device, another password each time', async () => {
    const first = JSON.parse(await issue('--json')) as Credentials;
    const second = JSON.parse(await issue('--json')) as Credentials;
    expect(first).toMatchObject({
      clientId: 'co2-1',
      username: 'co2-1',
      topicPrefix: 'campus/v1/school-1/sensor/co2-1/',
    });
    expect(second.password).not.toBe(first.password);
  });

  it('refuses ids that can not be part of a topic', async () => {
    await expect(issue('--room', 'a/b')).rejects.toThrow(/Room "a\/b"/);
  });
});

describe('the verbs for credentials', () => {
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await campus(...args, '--json', ...here()));
  const site = ['--site', 'school-1'];

  it('rotate, revoke and show the passwords of a device, never their hashes', async () => {
    await json('devices', 'issue', ...site, '--class', 'sensor', '--device', 'co2-9');
    expect(await json('devices', 'rotate', 'co2-9', '--overlap', '24h')).toMatchObject({
      username: 'co2-9',
      earlierValidUntil: expect.any(Number) as number,
    });
    expect(await json('devices', 'show', 'co2-9')).toMatchObject({
      secrets: [{ until: null }, { until: expect.any(Number) as number }],
    });
    await json('devices', 'revoke', 'co2-9');
    const listed = await json('devices', 'list', ...site);
    expect(listed).toContainEqual(
      expect.objectContaining({ id: 'co2-9', secrets: [], revokedAt: expect.any(Number) as number }),
    );
    expect(JSON.stringify(listed)).not.toContain('hash');
    await expect(json('devices', 'rotate', 'co2-9')).rejects.toThrow(/campus devices issue/);
    await expect(json('devices', 'show', 'nobody')).rejects.toThrow(/not registered/);
  });

  it('issue, list and revoke claim tokens', async () => {
    const token = (await json('claims', 'issue', 'school-1', '--uses', '3')) as { id: string; token: string };
    expect(token).toMatchObject({ site: 'school-1', uses: 3 });
    const listed = await json('claims', 'tokens');
    expect(listed).toMatchObject([{ id: token.id, used: 0 }]);
    expect(JSON.stringify(listed)).not.toContain(token.token);
    await json('claims', 'revoke', token.id);
    expect(await json('claims', 'tokens')).toEqual([]);
    expect(await json('claims', 'log')).toEqual([]);
    await expect(json('claims', 'issue', 'nowhere')).rejects.toThrow(/not registered/);
  });

  it('add, list and revoke accounts', async () => {
    const account = await json('accounts', 'add', 'watch', '--kind', 'operator', ...site);
    expect(account).toMatchObject({ username: '@watch', password: expect.any(String) as string });
    await json('accounts', 'rotate', 'watch');
    await json('accounts', 'revoke', 'watch');
    expect(await json('accounts', 'list')).toMatchObject([
      { name: 'watch', sites: ['school-1'], secrets: [] },
    ]);
    await expect(json('accounts', 'add', 'none', '--kind', 'bridge')).rejects.toThrow(/--site or --district/);
  });
});

describe('campus registry', () => {
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await campus('registry', ...args, '--json', ...here()));

  it('shows, lists and removes what there is, and says what there is not', async () => {
    await campus(
      ...['devices', 'issue', '--site', 'school-3', '--class', 'ap', '--device', 'ap-31', '--room', 'r31'],
      ...here(),
    );
    expect(await json('show', 'ap-31')).toMatchObject({
      kind: 'device',
      device: { id: 'ap-31', room: 'r31' },
      chain: ['ap-31', 'school-3'],
    });
    const listed = () => json('list', 'devices', '--site', 'school-3');
    expect(await listed()).toMatchObject([{ id: 'ap-31', deviceClass: 'ap' }]);
    expect(await json('list', 'rooms', '--site', 'school-3')).toMatchObject([{ id: 'r31' }]);
    await expect(json('remove', 'device', 'ap-32')).rejects.toThrow(/ap-32/);
    await expect(json('show', 'ap-32')).rejects.toThrow(/ap-32/);
    await campus('registry', 'remove', 'device', 'ap-31', ...here());
    expect(await listed()).toEqual([]);
  });
});

describe('campus registry export', () => {
  it('reads back as it was after a claim has made a room', async () => {
    await campus('devices', 'issue', '--site', 'school-5', '--class', 'ap', '--device', 'ap-51', ...here());
    await withRedis(pipeline.settings.REDIS_URL, async (redis) => {
      const { kept } = await issueClaimToken(redis, { site: 'school-5', validMs: 60_000, uses: 1 });
      const request = { serial: 'SN-1', model: 'MX-2', room: 'new-room' };
      const from = { address: '127.0.0.1', via: 'http', tokenId: kept.id } as const;
      const claimed = await claimCredentials(redis, {
        ...from,
        request,
        device: 'co2-51',
        deviceClass: 'sensor',
      });
      expect(claimed).toMatchObject({ username: 'co2-51' });
    });
    const out = join(folder, 'exported');
    await campus('registry', 'export', out, ...here());
    expect(await readFile(join(out, 'rooms.csv'), 'utf8')).toContain('new-room');
    const dryRun = await campus('registry', 'import', out, '--dry-run', '--json', ...here());
    expect(JSON.parse(dryRun)).toMatchObject({ changes: [] });
  });
});

describe('the other verbs', () => {
  it.each([
    [['ledger', '--json'], { received: 0, pending: 0 }],
    [['quarantine', 'list', '--json'], []],
    [['quarantine', 'replay', '--all', '--json'], { replayed: 0 }],
    [['alarms', '--all', '--json'], []],
  ])('campus %j prints JSON', async (args, expected) => {
    expect(JSON.parse(await campus(...args, ...here()))).toMatchObject(expected);
  });

  it('say what is missing instead of an empty answer', async () => {
    await expect(campus('ledger', 'nobody', ...here())).rejects.toThrow(/Nothing of device "nobody"/);
    await expect(campus('quarantine', 'replay', ...here())).rejects.toThrow(/Say which messages/);
    await expect(campus('quarantine', 'replay', 'nosuch', ...here())).rejects.toThrow(
      'Nothing is in quarantine with the id nosuch, and nothing was sent. There is nothing at all',
    );
    await expect(campus('quarantine', 'replay', '--reason', 'not_json', ...here())).rejects.toThrow(
      'Nothing is in quarantine for the reason not_json',
    );
  });

  it('campus config hides secrets and says where a value comes from', async () => {
    const flags = [
      '--redis-url',
      'redis://user:hidden@host',
      '--influx-token',
      'user:hidden',
      '--mqtt-port',
      '1999',
    ];
    const json = await campus('config', '--json', ...flags);
    expect(json).not.toContain('hidden');
    expect(JSON.parse(json)).toMatchObject({ MQTT_PORT: 1999, INFLUX_TOKEN: '***', SMTP_URL: null });
    const text = await campus('config', ...flags);
    expect(text).not.toContain('hidden');
    expect(text).toMatch(/MQTT_PORT .* 1999 .* --mqtt-port/);
  });

  it('campus config says what the running pipeline was started with, where that differs', async () => {
    const text = await campus('config', ...here());
    expect(text).toMatch(/The pipeline that runs on .* was started with others:/);
    expect(text).toMatch(new RegExp(`^ {2}MQTT_PORT +${pipeline.settings.MQTT_PORT}$`, 'm'));
    expect(text).toMatch(/^ {2}SIM_SPEED +60$/m);
    expect(text).not.toMatch(/^ {2}LOG_SHARDS/m);
  });

  it('campus bridges check fails for a site that is not registered', async () => {
    const file = join(folder, 'bridges.yaml');
    const subscriptions = '[{ profile: tasmota, site: nowhere, class: sensor }]';
    await writeFile(file, `- name: b\n  url: mqtt://127.0.0.1\n  subscriptions: ${subscriptions}\n`);
    await expect(campus('bridges', 'check', file, ...here())).rejects.toThrow(
      'Bridge "b": the site "nowhere" is not registered',
    );
    await campus('devices', 'issue', '--site', 'nowhere', '--class', 'sensor', '--device', 'n-1', ...here());
    expect(await campus('bridges', 'check', file, ...here())).toMatch(
      /^1 bridge, all good: .*registered\.$/m,
    );
  });

  it('campus command send and twin set say why a device can not be reached now', async () => {
    await withRedis(pipeline.settings.REDIS_URL, (redis) => settleShards(redis, 4));
    const device = ['--site', 'school-4', '--class', 'ap', '--device', 'ap-41'];
    await campus('devices', 'issue', ...device, ...here());
    const send = () => campus('command', 'send', 'ap-41', 'reboot', ...here());
    expect(await send()).toContain('ap-41 has no connection now: the command waits');
    expect(await campus('twin', 'set', 'ap-41', 'meta.interval_s=30', ...here())).toContain(
      'ap-41 has no connection now: what is sent waits for it for 1 min, then it fails.',
    );
    await campus('devices', 'revoke', 'ap-41', ...here());
    expect(await send()).toContain('ap-41 is revoked and can not connect before "campus devices issue"');
  });

  it('campus quarantine show says that there is no such entry', async () => {
    await expect(campus('quarantine', 'show', '0:1-0', ...here())).rejects.toThrow(/with the id 0:1-0; see/);
  });

  it('campus maintenance refuses what says two things, and ends by the beginning of an id', async () => {
    const add = (...args: string[]) => campus('maintenance', 'add', '--site', 'school-1', ...args, ...here());
    await expect(add('--for', '2h', '--until', '2099-01-01', '--reason', 'x')).rejects.toThrow('not both');
    await expect(add('--for', '2h')).rejects.toThrow('Say what is done');
    const announce = async () =>
      JSON.parse(await add('--for', '2h', '--reason', 'x', '--json')) as { id: string };
    const [first, second] = [await announce(), await announce()];
    const end = (id: string) => campus('maintenance', 'end', id, ...here());
    await expect(end('')).rejects.toThrow('Write more of the id');
    expect(await end(first.id.slice(0, 6))).toContain(`Maintenance ${first.id}`);
    expect(await end('')).toContain(`Maintenance ${second.id}`);
  });

  describe("about rules of one's own", () => {
    const rule = (condition: string) =>
      `{ id: hot, title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test, class: sensor, severity: minor, condition: '${condition}' }`;
    const rules = () => join(folder, 'own');
    const write = async (condition: string) => {
      await mkdir(rules(), { recursive: true });
      await writeFile(join(rules(), 'hot.yaml'), rule(condition));
    };
    afterEach(() => vi.unstubAllEnvs());

    it('checks a folder alone, also without RULES_DIR, and lists the own ones alone', async () => {
      await write('temp_c > 30');
      const table = await campus('rules', 'check', rules());
      expect(table).toContain('hot');
      expect(table).not.toContain('co2-high');
      expect(table).toMatch(/1 of your own, \d+ shipped/);
      vi.stubEnv('RULES_CATALOGUE', '0');
      expect(JSON.parse(await campus('rules', 'check', rules(), '--json'))).toMatchObject([{ id: 'hot' }]);
      vi.unstubAllEnvs();
      const own = await campus('rules', 'list', '--own', '--rules-dir', rules(), '--json', ...here());
      expect(JSON.parse(own)).toMatchObject([{ id: 'hot' }]);
    });

    it('shows what the pipeline judges by, with a warning, while the files have a mistake', async () => {
      await write('tmp_c > 30');
      vi.stubEnv('RULES_DIR', rules());
      const list = () => campus('rules', 'list', '--json', ...here());
      await expect(list()).rejects.toThrow('tmp_c');
      const text = rule('temp_c > 30');
      const set = parseRuleSet([{ name: 'hot.yaml', text }], {});
      await withRedis(pipeline.settings.REDIS_URL, (redis) => keepRuleSet(redis, set, Date.now()));
      const warn = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      expect(JSON.parse(await list())).toMatchObject([{ id: 'hot' }]);
      expect(warn.mock.calls.join()).toContain('the pipeline goes on with');
      warn.mockRestore();
      await expect(campus('rules', 'list', '--rules-dir', rules(), ...here())).rejects.toThrow('tmp_c');
    });
  });

  it('campus rules check lists the shipped rules', async () => {
    const rules = JSON.parse(await campus('rules', 'check', '--json')) as { id: string }[];
    expect(rules.map(({ id }) => id)).toContain('co2-high');
  });
});
