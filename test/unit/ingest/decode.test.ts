import { describe, expect, test } from 'vitest';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import { loadProfiles } from '../../../devices/profiles/load-profiles.js';
import { createDecoder } from '../../../ingest/stages/decode.js';
import type { Decoded } from '../../../ingest/stages/decoded.js';

const arrivedAt = Date.parse('2026-03-02T08:00:00+08:00');
const limits = { latenessMs: 900_000, futureMs: 300_000, maxAgeMs: 30 * 86_400_000 };
const decode = createDecoder(limits, await loadProfiles());

function message(payload: string | Buffer, more: Partial<MessageRecord> = {}): MessageRecord {
  const topic = 'campus/v1/s1/sensor/d1/telemetry';
  return { kind: 'message', arrivedAt, client: 'd1', topic, payload: Buffer.from(payload), ...more };
}

const good = { ts: arrivedAt - 1000, seq: 1, boot: 'b', m: { co2_ppm: 612, temp_c: 21.5 } };
const telemetry = (change: object) => JSON.stringify({ ...good, ...change });
const reasonOf = (decoded: Decoded | undefined) =>
  decoded?.kind === 'rejection' ? decoded.rejection.reason : decoded?.kind;

describe('what can not be understood is named by its reason', () => {
  const cases: [string, string, string][] = [
    ['not JSON', 'hello', 'not_json'],
    ['an empty payload', '', 'not_json'],
    ['a cut payload', telemetry({}).slice(0, -3), 'not_json'],
    ['NaN', '{"ts":1772409600000,"m":{"co2_ppm":NaN}}', 'not_json'],
    ['Infinity', '{"ts":1772409600000,"m":{"co2_ppm":Infinity}}', 'not_json'],
    ['a number too large for a double', `{"ts":${arrivedAt},"m":{"co2_ppm":1e400}}`, 'wrong_shape'],
    ['a string', '"hello"', 'wrong_shape'],
    ['null', 'null', 'wrong_shape'],
    ['no time', '{"m":{"co2_ppm":600}}', 'wrong_shape'],
    ['a time as text', telemetry({ ts: '2026-03-02' }), 'wrong_shape'],
    ['a metric as text', telemetry({ m: { co2_ppm: '600' } }), 'wrong_shape'],
    ['a metric that is null', telemetry({ m: { co2_ppm: null } }), 'wrong_shape'],
    ['no metrics', telemetry({ m: {} }), 'wrong_shape'],
    ['empty parts', telemetry({ m: {}, parts: { radio5: {} } }), 'wrong_shape'],
    [
      'a part named __proto__',
      `{"ts":${arrivedAt},"m":{"co2_ppm":600},"parts":{"__proto__":{"co2_ppm":1}}}`,
      'wrong_shape',
    ],
    ['a part without a name', telemetry({ parts: { '-': { co2_ppm: 600 } } }), 'wrong_shape'],
    ['parts in an array', telemetry({ parts: [] }), 'wrong_shape'],
    ['an unknown metric of a part', telemetry({ parts: { a: { flux: 3 } } }), 'unknown_metric'],
    ['a field named __proto__', `{"ts":${arrivedAt},"m":{"co2_ppm":600},"__proto__":{}}`, 'wrong_shape'],
    ['an unknown field', telemetry({ mm: 1 }), 'wrong_shape'],
    ['a negative seq', telemetry({ seq: -1 }), 'wrong_shape'],
    ['a metric out of range', telemetry({ m: { co2_ppm: 65_535 } }), 'out_of_range'],
    ['an unknown metric', telemetry({ m: { co2_ppm: 600, flux: 3 } }), 'unknown_metric'],
    ['an inherited name as a metric', '{"ts":1772409600000,"m":{"__proto__x":1}}', 'unknown_metric'],
    ['a time in seconds', telemetry({ ts: Math.round(arrivedAt / 1000) }), 'ts_in_seconds'],
    ['a time in the future', telemetry({ ts: arrivedAt + 301_000 }), 'clock_ahead'],
    ['a time ten years ago', telemetry({ ts: arrivedAt - 10 * 365 * 86_400_000 }), 'clock_behind'],
    ['an empty array', '[]', 'wrong_shape'],
  ];
  test.each(cases)('%s', (_name, payload, reason) => {
    const decoded = decode(message(payload));
    expect(decoded.map(reasonOf)).toEqual([reason]);
    expect(decoded[0]?.kind === 'rejection' && decoded[0].rejection.detail).toMatch(/\w+/);
  });
});

test('many wrong elements of one array are rejected together, beside the good ones', () => {
  const elements = Array.from({ length: 301 }, (_, seq) =>
    seq % 3 === 0 ? { ...good, seq, ts: good.ts - seq } : { ...good, seq, m: { co2_ppm: -1 } },
  );
  const decoded = decode(message(JSON.stringify(elements)));
  expect(decoded.filter(({ kind }) => kind === 'reading')).toHaveLength(101);
  const rejections = decoded.filter((item) => item.kind === 'rejection');
  expect(rejections).toHaveLength(1);
  expect(rejections[0]?.source.indexes).toHaveLength(200);
  expect(rejections[0]?.numbers?.slice(0, 2)).toMatchObject([
    { boot: 'b', seq: 1 },
    { boot: 'b', seq: 2 },
  ]);
  expect(rejections[0]?.rejection).toEqual({
    reason: 'out_of_range',
    detail: '200 of 301 elements are wrong; [1]: m.co2_ppm is -1, outside 0 to 40000 ppm',
  });
});

test('a metric out of range is described with its value and its range', () => {
  const [decoded] = decode(message(telemetry({ m: { co2_ppm: 65_535 } })));
  expect(decoded).toMatchObject({ rejection: { detail: 'm.co2_ppm is 65535, outside 0 to 40000 ppm' } });
});

test('a good reading comes out as it was sent', () => {
  expect(decode(message(telemetry({})))).toMatchObject([{ kind: 'reading', late: false, reading: good }]);
});

test('a reading of a device with parts comes out with them', () => {
  const topic = 'campus/v1/s1/ap/d1/telemetry';
  const parts = { radio5: { chan_util_pct: 71, tx_power_dbm: 18 } };
  const [decoded] = decode(message(telemetry({ m: { clients: 30 }, parts }), { topic }));
  expect(decoded).toMatchObject({ kind: 'reading', reading: { m: { clients: 30 }, parts } });
});

test('a backlog of 10,000 readings is 10,000 readings, the bad ones rejected one by one', () => {
  const backlog = Array.from({ length: 10_000 }, (_, i) => ({
    ...good,
    seq: i,
    m: { co2_ppm: i === 77 ? -1 : 600 },
  }));
  const decoded = decode(message(JSON.stringify(backlog)));
  expect(decoded).toHaveLength(10_000);
  expect(decoded.filter((item) => item.kind === 'reading')).toHaveLength(9_999);
  expect(decoded[77]).toMatchObject({ kind: 'rejection', source: { index: 77 } });
});

test('one element of an array is taken alone when it comes out of the quarantine', () => {
  const payload = JSON.stringify([good, { ...good, seq: 2 }, good]);
  expect(decode(message(payload, { index: 1, replayed: true }))).toMatchObject([
    { kind: 'reading', late: true, reading: { seq: 2 } },
  ]);
});

test('older than the lateness limit is late, at the limit it is not', () => {
  const lateness = (ts: number) => decode(message(telemetry({ ts })))[0];
  expect(lateness(arrivedAt - 900_000)).toMatchObject({ late: false });
  expect(lateness(arrivedAt - 900_001)).toMatchObject({ late: true });
});

test('a topic of another device is never taken for its reading', () => {
  const topic = 'campus/v1/s1/sensor/d2/telemetry';
  const [decoded] = decode(message(telemetry({}), { topic, foreignTopic: true }));
  expect(decoded).toMatchObject({ kind: 'rejection', rejection: { reason: 'not_own_topic' } });
});

test('of a topic that names the device right, and its site or class wrong, it says so', () => {
  const topic = 'campus/v1/s1/whiteboard/d1/telemetry';
  const [decoded] = decode(message(telemetry({}), { topic, client: 'd1', foreignTopic: true }));
  const detail = expect.stringContaining('"d1" is registered, but not as whiteboard at site "s1"') as string;
  expect(decoded).toMatchObject({ rejection: { reason: 'not_own_topic', detail } });
});

test.each([
  ['state', { s: 'online', ts: arrivedAt }, 'notice'],
  ['state', { s: 'gone', ts: arrivedAt }, 'wrong_shape'],
  ['meta', { model: 'X1', firmware: '1.2', interval_s: 60 }, 'notice'],
  ['meta', [], 'wrong_shape'],
  ['event', { ts: arrivedAt, e: 'radar', channel: 52 }, 'notice'],
  ['event', { e: 'radar' }, 'wrong_shape'],
  ['ack', { id: 'x', ok: true }, 'notice'],
  ['ack', { id: 'x', ok: 'yes' }, 'wrong_shape'],
  ['ack', { ok: true }, 'wrong_shape'],
])('%s %j is %s', (stream, body, expected) => {
  const decoded = decode(message(JSON.stringify(body), { topic: `campus/v1/s1/ap/d1/${stream}` }));
  expect(decoded.map(reasonOf)).toEqual([expected]);
});
