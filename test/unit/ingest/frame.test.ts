import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame } from '../../../ingest/log/frame.js';
import type { LogRecord } from '../../../ingest/log/frame.js';

const message = {
  kind: 'message',
  arrivedAt: 1_772_439_000_123.5,
  client: 'dev-1',
  topic: 'campus/v1/s/sensor/dev-1/telemetry',
  payload: Buffer.from([0, 255, 10, 13]),
} as const;

test('a frame gives back every kind of record as it was put in', () => {
  const records: LogRecord[] = [
    message,
    {
      ...message,
      topic: '课室/二',
      client: '设备',
      payload: Buffer.alloc(0),
      foreignTopic: true,
      replayed: false,
    },
    { ...message, cutFrom: 4_000_000_000, foreignTopic: false, replayed: false },
    { ...message, replayed: true, index: 9999, foreignTopic: false },
    { kind: 'presence', arrivedAt: 5, client: 'dev-1', online: true },
    { kind: 'presence', arrivedAt: 6, client: 'dev-2', online: false },
    { kind: 'tally', arrivedAt: 7, shard: 3, shards: 4, tally: '{"at":7,"groups":[{"id":"禅城"}]}' },
    { kind: 'opened', arrivedAt: 7 },
    { kind: 'tick', arrivedAt: 8 },
  ];
  const decoded = decodeFrame(encodeFrame(records));
  expect(decoded).toHaveLength(records.length);
  decoded.forEach((record, i) => expect(record).toMatchObject(records[i] as object));
});

const origin = {
  profile: 'senml',
  site: 's1',
  deviceClass: 'sensor',
  prefix: '',
  devices: [{ name: '课室/二', id: 'room-2', trouble: 'unregistered' }],
  retained: true,
} as const;

test('a record that a bridge took keeps where it comes from, and the frame says that it holds one', () => {
  const bridged = { ...message, client: 'bridge:b', topic: 'senml/二', origin };
  const records = [message, { ...bridged, replayed: true, index: 3 }, bridged, message];
  const frame = encodeFrame(records);
  expect(frame[0]).toBe(2);
  decodeFrame(frame).forEach((record, i) => expect(record).toMatchObject(records[i] as object));
});

test('a record that somebody else published for the device says who, whole or cut', () => {
  const spoken = { ...message, via: 'bridge:@gw' };
  const records = [message, spoken, { ...spoken, cutFrom: 5 }, message];
  const frame = encodeFrame(records);
  expect(frame[0]).toBe(2);
  expect(decodeFrame(frame).map((record) => record.kind === 'message' && record.via)).toEqual([
    undefined,
    'bridge:@gw',
    'bridge:@gw',
    undefined,
  ]);
  decodeFrame(frame).forEach((record, i) => expect(record).toMatchObject(records[i] as object));
});

test('frames without such records are those of before', () => {
  expect(encodeFrame([message])[0]).toBe(1);
});

test('a frame of another version is refused instead of misread', () => {
  const frame = encodeFrame([message]);
  frame[0] = 9;
  expect(() => decodeFrame(frame)).toThrow('unknown version 9');
});

test('a frame that is cut off is refused instead of half read', () => {
  const frame = encodeFrame([message]);
  expect(() => decodeFrame(frame.subarray(0, 12))).toThrow();
});
