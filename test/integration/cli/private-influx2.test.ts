import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { privateInflux } from '../../../cli/stores/influx-store.js';
import { setUpInflux2 } from '../../../cli/stores/private-influx2.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-influx2-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Speaks the set-up part of the 2.x API; the server itself is not in the distributions. */
async function startFakeInflux2(options: { refuses?: boolean } = {}) {
  let setUpWith: Record<string, unknown> | undefined;
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.method === 'GET') {
      answer(200, { allowed: setUpWith === undefined });
      return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (options.refuses === true) answer(422, { message: 'no' });
      else {
        setUpWith = JSON.parse(body) as Record<string, unknown>;
        answer(201, {});
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setUpWith: () => setUpWith,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

describe('a private InfluxDB 2.x', () => {
  it('is set up once with generated secrets, which only the owner can read', async () => {
    const influx = await startFakeInflux2();
    const first = await setUpInflux2(influx.url, folder, 'campus');
    expect(influx.setUpWith()).toEqual({ ...first, bucket: 'campus' });
    expect(first.token.length).toBeGreaterThan(30);
    expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600);
    expect(await setUpInflux2(influx.url, folder, 'campus')).toEqual(first);
    await influx.stop();
  });

  it('whose secrets we do not have is refused', async () => {
    const influx = await startFakeInflux2();
    await setUpInflux2(influx.url, folder, 'campus');
    await rm(join(folder, 'secrets.json'));
    await expect(setUpInflux2(influx.url, folder, 'campus')).rejects.toThrow(/set up by somebody else/);
    await influx.stop();
  });

  it('that refuses its set-up is named with its answer', async () => {
    const influx = await startFakeInflux2({ refuses: true });
    await expect(setUpInflux2(influx.url, folder, 'campus')).rejects.toThrow(/refused its set-up: 422/);
    await influx.stop();
  });

  it.each([
    ['InfluxDB v2.7.1 (git: 407fa622e9) build_date: 2023-04-28T13:24:27Z', 2, '--reporting-disabled'],
    ['InfluxDB v1.6.7~rc0 (git: unknown unknown)', 1, '-config'],
  ])('is told from 1.x by what the program says: %s', async (says, major, flag) => {
    const binary = join(folder, 'influxd');
    await writeFile(binary, `#!/bin/sh\necho "${says}"\n`, { mode: 0o755 });
    const files = await mkdtemp(join(folder, 'data-'));
    await mkdir(join(files, 'influx'));
    const found = await privateInflux(binary, files, { redis: 1, influx: 4711, influxRpc: 3 });
    expect(found.major).toBe(major);
    expect(found.spec.args).toContain(flag);
    expect(found.url).toBe('http://127.0.0.1:4711');
  });

  it('is refused when it is a generation that we can not run', async () => {
    const binary = join(folder, 'influxd');
    await writeFile(binary, '#!/bin/sh\necho "influxdb3 3.1.0"\n', { mode: 0o755 });
    await expect(privateInflux(binary, folder, { redis: 1, influx: 2, influxRpc: 3 })).rejects.toThrow(
      /set INFLUX_URL/,
    );
  });
});
