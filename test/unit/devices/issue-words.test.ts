import { describe, expect, it } from 'vitest';
import { checkNotice } from '../../../devices/notice.js';
import { parseJson } from '../../../devices/profiles/parse-json.js';
import { checkReading } from '../../../devices/telemetry.js';

const ts = 1_772_409_600_000;

describe('what is wrong with a reading', () => {
  it.each([
    [{ m: { co2_ppm: 600 } }, 'ts is missing'],
    [{ ts: 'now', m: {} }, 'ts must be a number'],
    [{ ts: 1.5, m: {} }, 'ts must be a whole number'],
    [{ ts, seq: -1, m: {} }, 'seq must be at least 0'],
    [{ ts, boot: '', m: {} }, 'boot must not be empty'],
    [{ ts, boot: 'x'.repeat(65), m: {} }, 'boot must have at most 64 characters'],
    [{ ts, parts: [] }, 'parts must be an object of parts'],
    [{ ts, parts: { 'a b': {} } }, 'parts.a b is no name of a part'],
    [7, 'the reading must be an object'],
  ])('%j: %s', (decoded, detail) => {
    expect(checkReading('sensor', decoded)).toEqual({ reason: 'wrong_shape', detail });
  });
});

describe('what is wrong with a notice', () => {
  it.each([
    ['state', { ts }, 's must be one of online, offline, sleeping'],
    ['state', { s: 'online' }, 'ts is missing'],
    ['meta', { interval_s: 0 }, 'interval_s must be above 0'],
    ['meta', { interval_s: 86_401 }, 'interval_s must be at most 86400'],
    ['event', [], 'the message must be an object'],
  ] as const)('%s %j: %s', (stream, decoded, detail) => {
    expect(checkNotice(stream, decoded)).toEqual({ reason: 'wrong_shape', detail: `${stream}: ${detail}` });
  });
});

describe('what is wrong with a payload that is no JSON', () => {
  it.each([
    ['', 'the payload is empty'],
    ['{"ts":1,"m":{"co2_ppm":NaN}}', 'NaN is no JSON: leave a metric out that has no value'],
    ['[{"ts":1,"m":{"co2_ppm":-Infinity}}]', 'Infinity is no JSON'],
    ['{"ts":1,"m":{"co2', 'the JSON ends too early: the payload was cut'],
    ['temperature=21', 'the payload is no JSON: '],
  ])('%j: %s', (text, detail) => {
    const payload = Buffer.from(text);
    const parsed = parseJson({ topic: 't', payload, text: () => text } as Parameters<typeof parseJson>[0]);
    expect(parsed).toMatchObject({
      rejection: { reason: 'not_json', detail: expect.stringContaining(detail) as string },
    });
  });
});
