import { afterEach, beforeEach, expect, test } from 'vitest';
import { GroupedSink } from '../../../ingest/sinks/grouped-sink.js';
import { InfluxSink } from '../../../ingest/sinks/influx-sink.js';
import { openInflux } from '../../../runtime/influx-connection.js';
import { createLogger } from '../../../runtime/logger.js';
import { eventually } from '../../support/eventually.js';
import { FakeInflux } from '../../support/fake-influx.js';

const never = new AbortController().signal;
const limits = { mostLines: 10, lingerMs: 50, concurrency: 2 };
const lines = (shard: number, count: number) =>
  Array.from({ length: count }, (_, i) => `sensor,device=s${shard}-${i} co2_ppm=600 1`);

let fake: FakeInflux;
let sink: GroupedSink;
beforeEach(async () => {
  fake = await FakeInflux.start('3-core');
  const open = () => openInflux({ url: fake.url, token: 'secret', org: 'bureau', bucket: 'campus' });
  sink = new GroupedSink(new InfluxSink(open, createLogger('test', 'silent')), limits);
});
afterEach(() => fake.stop());

test('what several shards write at about the same time goes to InfluxDB as one write', async () => {
  await Promise.all([1, 2, 3].map((shard) => sink.write(lines(shard, 3), never)));
  expect(fake.requests.map((request) => request.lines)).toEqual([
    [...lines(1, 3), ...lines(2, 3), ...lines(3, 3)],
  ]);
});

test('a group ends where it would be too large, and nobody of the next one waits for more than its write', async () => {
  await Promise.all([1, 2, 3, 4].map((shard) => sink.write(lines(shard, 4), never)));
  expect(fake.requests.map((request) => request.lines.length)).toEqual([8, 8]);
  await sink.write(lines(5, 25), never);
  expect(fake.requests.at(-1)?.lines).toEqual(lines(5, 25));
});

test('each is told of its own refused lines', async () => {
  fake.answer = (write) => {
    const wrong = write.lines.find((line) => line.endsWith('x'));
    return wrong === undefined ? undefined : { status: 400, body: { error: `can not parse: ${wrong}` } };
  };
  const bad = (shard: number, at: number) => lines(shard, 3).map((line, i) => (i === at ? `${line}x` : line));
  const refused = await Promise.all([
    sink.write(bad(1, 2), never),
    sink.write(lines(2, 3), never),
    sink.write(bad(3, 0), never),
  ]);
  expect(refused.map((own) => own.map(({ index }) => index))).toEqual([[2], [], [0]]);
  expect(refused[2][0]?.why).toContain('device=s3-0');
});

test('who gives up is let go at once, and the others of the group are written', async () => {
  let isBusy = true;
  fake.answer = () => (isBusy ? { status: 503 } : undefined);
  const impatient = new AbortController();
  const first = sink.write(lines(1, 2), impatient.signal);
  const second = sink.write(lines(2, 2), never);
  await eventually('a try', () => fake.requests.length > 0);
  impatient.abort(new Error('stopping'));
  await expect(first).rejects.toThrow('stopping');
  isBusy = false;
  expect(await second).toEqual([]);
  expect(fake.written).toEqual([...lines(1, 2), ...lines(2, 2)]);
});

test('a group that all have given up is not tried for ever, and those who come later are written', async () => {
  fake.answer = () => ({ status: 503 });
  const abort = new AbortController();
  const given = [1, 2].map((shard) => sink.write(lines(shard, 2), abort.signal));
  await eventually('a try', () => fake.requests.length > 0);
  abort.abort(new Error('stopping'));
  for (const outcome of await Promise.allSettled(given)) expect(outcome.status).toBe('rejected');
  fake.answer = () => undefined;
  await sink.write(lines(3, 2), never);
  expect(fake.written).toEqual(lines(3, 2));
});
