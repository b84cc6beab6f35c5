import { expect, test } from 'vitest';
import { SparkplugHost } from '../../../../broker/bridge/sparkplug-host.js';
import type { Birth } from '../../../../devices/profiles/sparkplug/birth.js';
import { decodePayload, encodePayload } from '../../../../devices/profiles/sparkplug/payload.js';

const group = 'spBv1.0/foshan';
const nodeBirth = (bdSeq: number) =>
  encodePayload({ timestamp: 1, seq: 0, metrics: [{ name: 'bdSeq', datatype: 4, longValue: bdSeq }] });
const deviceBirth = (seq: number, alias = 7) =>
  encodePayload({
    timestamp: 1,
    seq,
    metrics: [
      {
        name: 'Inputs/Temperature',
        alias,
        datatype: 9,
        floatValue: 70,
        properties: { keys: ['engUnit'], values: [{ type: 12, stringValue: '°F' }] },
      },
    ],
  });
const deviceData = (seq: number, alias = 7, more: object = {}) =>
  encodePayload({ timestamp: 2, seq, metrics: [{ alias, floatValue: 72, ...more }] });

function bornHost(): SparkplugHost {
  const host = new SparkplugHost();
  host.receive(`${group}/NBIRTH/node`, nodeBirth(3), 0);
  host.receive(`${group}/DBIRTH/node/dev`, deviceBirth(1), 0);
  return host;
}

test('an alias becomes the name, type and unit that the birth gave it, and all else stays', () => {
  const { payload, missing, rebirth } = bornHost().receive(`${group}/DDATA/node/dev`, deviceData(2), 0);
  expect({ missing, rebirth }).toEqual({ missing: 0, rebirth: undefined });
  const [metric] = decodePayload(payload ?? Buffer.alloc(0)).metrics;
  expect(metric).toMatchObject({ name: 'Inputs/Temperature', datatype: 9, floatValue: 72 });
  expect(metric?.properties).toMatchObject({ keys: ['engUnit'], values: [{ stringValue: '°F' }] });
});

test('a value of zero is still on the wire after the name was put in', () => {
  const data = deviceData(2, 7, { floatValue: 0 });
  const { payload } = bornHost().receive(`${group}/DDATA/node/dev`, data, 0);
  expect(Object.keys(decodePayload(payload ?? Buffer.alloc(0)).metrics[0] ?? {})).toContain('floatValue');
});

test('an alias that no birth has named stays as it came, and the node is asked for a rebirth, once', () => {
  const host = bornHost();
  const data = deviceData(2, 99);
  const first = host.receive(`${group}/DDATA/node/dev`, data, 0);
  expect(first.payload).toBe(data);
  expect(first.rebirth?.topic).toBe(`${group}/NCMD/node`);
  const [metric] = decodePayload(first.rebirth?.payload ?? Buffer.alloc(0)).metrics;
  expect(metric).toMatchObject({ name: 'Node Control/Rebirth', booleanValue: true, datatype: 11 });
  expect(host.receive(`${group}/DDATA/node/dev`, deviceData(3, 99), 1000).rebirth).toBeUndefined();
  expect(host.receive(`${group}/DDATA/node/dev`, deviceData(4, 99), 31_000).rebirth).toBeDefined();
});

test('a metric of another type than the birth said is not what the birth named', () => {
  const data = deviceData(2, 7, { datatype: 3 });
  const { payload, rebirth } = bornHost().receive(`${group}/DDATA/node/dev`, data, 0);
  expect(payload).toBe(data);
  expect(rebirth).toBeDefined();
});

test('numbers go from 255 to 0; what is missing between them is counted', () => {
  const host = bornHost();
  const missing = (seq: number) => host.receive(`${group}/DDATA/node/dev`, deviceData(seq), 0).missing;
  for (let seq = 2; seq < 256; seq++) expect(missing(seq)).toBe(0);
  expect(missing(0)).toBe(0);
  expect(missing(4)).toBe(3);
  expect(missing(2)).toBe(253);
});

test('the Will of a connection that the node has replaced is not its death', () => {
  const host = bornHost();
  const death = (bdSeq: number) =>
    encodePayload({ metrics: [{ name: 'bdSeq', datatype: 4, longValue: bdSeq }] });
  expect(host.receive(`${group}/NDEATH/node`, death(2), 0).payload).toBeUndefined();
  const last = host.receive(`${group}/NDEATH/node`, death(3), 0);
  expect(last.payload).toBeDefined();
  expect(last.born).toEqual({ node: 'foshan/node', birth: undefined });
});

test('after a restart the births are there; what may have been missed is asked for', () => {
  const births = new Map<string, Birth>();
  const host = new SparkplugHost();
  for (const [topic, payload] of [
    [`${group}/NBIRTH/node`, nodeBirth(3)],
    [`${group}/DBIRTH/node/dev`, deviceBirth(1)],
  ] as const) {
    const { born } = host.receive(topic, payload, 0);
    if (born?.birth !== undefined) births.set(born.node, JSON.parse(JSON.stringify(born.birth)) as Birth);
  }
  const { payload, missing, rebirth } = new SparkplugHost(births).receive(
    `${group}/DDATA/node/dev`,
    deviceData(9),
    0,
  );
  expect(decodePayload(payload ?? Buffer.alloc(0)).metrics[0]?.name).toBe('Inputs/Temperature');
  expect(missing).toBe(0);
  expect(rebirth).toBeDefined();
});

test('rubbish passes as it is', () => {
  const rubbish = Buffer.from('{"co2":1}');
  expect(new SparkplugHost().receive(`${group}/DDATA/node/dev`, rubbish, 0)).toEqual({
    payload: rubbish,
    missing: 0,
  });
});
