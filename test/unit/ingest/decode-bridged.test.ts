import { expect, test } from 'vitest';
import type { Profile } from '../../../devices/profiles/profile.js';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import type { Origin } from '../../../ingest/log/origin.js';
import { createDecoder } from '../../../ingest/stages/decode.js';

const arrivedAt = Date.parse('2026-03-02T08:00:00+08:00');

/** `name=co2` lines: as many devices as the message has lines. */
const lines: Profile = {
  name: 'lines',
  topics: ['#'],
  deviceClasses: ['sensor'],
  decode: (message) => {
    if (message.topic === 'log') return { ignored: 'the log of the gateway' };
    if (message.text() === 'bug') throw new Error('a bug');
    return {
      items: message
        .text()
        .split('\n')
        .map((line) => {
          const [device = '', value] = line.split('=');
          return { kind: 'reading', device, time: 'arrival', reading: { m: { co2_ppm: Number(value) } } };
        }),
    };
  },
};
const limits = { latenessMs: 900_000, futureMs: 300_000, maxAgeMs: 30 * 86_400_000 };
const decode = createDecoder(limits, new Map([['lines', lines]]));

function record(text: string, more: Partial<MessageRecord> & { from?: Partial<Origin> } = {}): MessageRecord {
  const { from, ...rest } = more;
  return {
    kind: 'message',
    arrivedAt,
    client: 'bridge:b',
    topic: 'gateway/1',
    payload: Buffer.from(text),
    origin: { profile: 'lines', site: 's1', deviceClass: 'sensor', prefix: 'p-', devices: [], ...from },
    ...rest,
  };
}

test('each device of a message is told apart, under our id and the site of its subscription', () => {
  const devices = [{ name: 'a', id: 'co2-101' }];
  expect(decode(record('a=600\nb=700', { from: { devices } }))).toMatchObject([
    {
      kind: 'reading',
      topic: { site: 's1', deviceClass: 'sensor', device: 'co2-101' },
      reading: { ts: arrivedAt },
    },
    { kind: 'reading', topic: { device: 'p-b' }, source: { index: 1 }, reading: { m: { co2_ppm: 700 } } },
  ]);
});

test('of several items the bad one is rejected alone, and comes out of the quarantine alone', () => {
  const decoded = decode(record('a=600\nb=99999\nc=700'));
  expect(decoded.map(({ kind }) => kind)).toEqual(['reading', 'rejection', 'reading']);
  expect(decoded[1]).toMatchObject({ source: { index: 1 }, topic: { device: 'p-b' } });
  expect(decode(record('a=600\nb=800\nc=700', { index: 1, replayed: true }))).toMatchObject([
    { kind: 'reading', late: true, topic: { device: 'p-b' } },
  ]);
});

test.each([
  ['unregistered', 'unknown_device'],
  ['elsewhere', 'not_own_topic'],
] as const)('a device that is %s ends as %s under its own name', (trouble, reason) => {
  const devices = [{ name: 'a', id: 'co2-101', trouble }];
  expect(decode(record('a=600', { from: { devices } }))).toMatchObject([
    { kind: 'rejection', rejection: { reason }, topic: { device: 'co2-101', site: 's1' } },
  ]);
});

test('a retained message without a time is no reading of now', () => {
  expect(decode(record('a=600', { from: { retained: true } }))).toMatchObject([
    { kind: 'rejection', rejection: { reason: 'retained_without_time' } },
  ]);
});

test('a profile that fails or is not there rejects the message and nothing else', () => {
  expect(decode(record('bug'))).toMatchObject([{ rejection: { reason: 'profile_failed' } }]);
  expect(decode(record('a=1', { from: { profile: 'gone' } }))).toMatchObject([
    { rejection: { reason: 'unknown_profile', detail: 'there is no profile "gone"' } },
  ]);
});

test('a message in which there is nothing for us is settled as that', () => {
  expect(decode(record('x', { topic: 'log' }))).toMatchObject([{ kind: 'nothing', profile: 'lines' }]);
});

test('a large message full of rubbish is quarantined once and not once for each item', () => {
  const rubbish = Array.from({ length: 2000 }, (_, i) => `d${i}=99999`).join('\n');
  const decoded = decode(record(rubbish));
  expect(decoded).toHaveLength(1);
  expect(decoded[0]).toMatchObject({ rejection: { reason: 'out_of_range' } });
});
