import { afterEach, expect, test } from 'vitest';
import { InfluxSink } from '../../../ingest/sinks/influx-sink.js';
import { openInflux } from '../../../runtime/influx-connection.js';
import { createLogger } from '../../../runtime/logger.js';
import { eventually } from '../../support/eventually.js';
import { FakeInflux } from '../../support/fake-influx.js';
import { startTestInflux } from '../../support/stores.js';

const log = createLogger('test', 'silent');
const never = new AbortController().signal;
const lines = (count: number) => Array.from({ length: count }, (_, i) => `sensor,device=d${i} co2_ppm=600 1`);

let fake: FakeInflux;
afterEach(() => fake.stop());

async function startFake(kind: '2.x' | '3-core'): Promise<InfluxSink> {
  fake = await FakeInflux.start(kind);
  const options = { url: fake.url, token: 'secret', org: 'bureau', bucket: 'campus' };
  return new InfluxSink(() => openInflux(options), log);
}

test.each([
  ['2.x', '/api/v2/write?org=bureau&bucket=campus&precision=ms', 'Token secret'],
  ['3-core', '/api/v2/write?bucket=campus&precision=ms', 'Bearer secret'],
] as const)(
  'InfluxDB %s is written to at its own address with its own authorization',
  async (kind, path, authorization) => {
    const sink = await startFake(kind);
    expect(await sink.write(lines(3), never)).toEqual([]);
    expect(fake.requests).toMatchObject([{ path, authorization, lines: lines(3) }]);
  },
);

test('a bucket that is not there is created, also when it is dropped while we write', async () => {
  const sink = await startFake('2.x');
  fake.hasBucket = false;
  await sink.write(lines(1), never);
  expect(fake.created).toEqual([JSON.stringify({ name: 'campus', orgID: 'org-id', retentionRules: [] })]);
  fake.hasBucket = false;
  await sink.write(lines(2), never);
  expect(fake.created).toHaveLength(2);
  expect(fake.written).toEqual([...lines(1), ...lines(2)]);
});

test('a database of InfluxDB 1.x that is dropped while we write comes back', async () => {
  fake = await FakeInflux.start('2.x');
  const server = await startTestInflux();
  try {
    const open = () => openInflux({ url: server.url, bucket: 'campus' });
    const sink = new InfluxSink(open, log);
    await sink.write(lines(1), never);
    await (await open()).query('DROP DATABASE campus');
    await sink.write(lines(2), never);
    expect(await (await open()).query('SELECT count(co2_ppm) FROM sensor')).toMatchObject([{ count: 2 }]);
  } finally {
    await server.stop();
  }
});

test.each([429, 500, 503])(
  'an answer of %i is waited out, longer each time, and nothing is lost',
  async (status) => {
    const sink = await startFake('2.x');
    const troubles: (string | undefined)[] = [];
    fake.answer = () => {
      troubles.push(sink.trouble);
      return fake.requests.length <= 3 ? { status, body: { message: 'busy' } } : undefined;
    };
    expect(await sink.write(lines(10), never)).toEqual([]);
    expect(fake.written).toEqual(lines(10));
    expect(troubles[3]).toContain('busy');
    expect(sink.trouble).toBeUndefined();
    const [first = 0, second = 0, , fourth = 0] = fake.requests.map(({ at }) => at);
    // 50 to 150 ms, then each twice as long as the one before.
    expect(second - first).toBeGreaterThanOrEqual(45);
    expect(fourth - first).toBeGreaterThanOrEqual(45 + 95 + 195);
  },
);

test('a write that is given up while the server is busy ends at once', async () => {
  const sink = await startFake('3-core');
  fake.answer = () => ({ status: 503 });
  const abort = new AbortController();
  const writing = sink.write(lines(1), abort.signal);
  await eventually('a try', () => fake.requests.length > 0);
  abort.abort();
  await expect(writing).rejects.toThrow();
});

test('several bad lines of one batch are found, and only those', async () => {
  const sink = await startFake('3-core');
  const bad = [0, 77, 78, 499];
  const batch = lines(500).map((line, i) => (bad.includes(i) ? `${line}x` : line));
  fake.answer = (write) => {
    const wrong = write.lines.find((line) => line.endsWith('x'));
    // The good lines of a refused batch may be stored, too.
    if (wrong !== undefined) fake.written.push(...write.lines.filter((line) => !line.endsWith('x')));
    return wrong === undefined ? undefined : { status: 400, body: { error: `can not parse: ${wrong}` } };
  };
  const refused = await sink.write(batch, never);
  expect(refused.map(({ index }) => index)).toEqual(bad);
  expect(refused[1]?.why).toContain('can not parse: sensor,device=d77');
  expect(new Set(fake.written)).toEqual(new Set(batch.filter((_, i) => !bad.includes(i))));
});

test('a batch that is too large is cut until it is taken; a line that is too large alone is refused', async () => {
  const sink = await startFake('2.x');
  const batch = lines(40);
  batch[20] = `sensor,device=large note="${'x'.repeat(2000)}" 1`;
  fake.answer = (write) =>
    write.lines.join('\n').length > 400 ? { status: 413, body: { message: 'too large' } } : undefined;
  expect(await sink.write(batch, never)).toEqual([{ index: 20, why: 'too large' }]);
  expect(fake.written).toEqual(batch.filter((_, i) => i !== 20));
});
