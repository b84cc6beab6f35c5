import { describe, expect, test } from 'vitest';
import type { Device } from '../../../devices/device.js';
import type { DeviceClass } from '../../../devices/device-class.js';
import { ancestorsOf, chainOf, childrenOf, findCycles, groupByParent } from '../../../devices/topology.js';

function registered(
  ...rows: readonly (readonly [id: string, deviceClass: DeviceClass, parent?: string])[]
): Map<string, Device> {
  return new Map(
    rows.map(([id, deviceClass, parent]) => [id, { id, site: 's1', deviceClass, room: 'r1', parent }]),
  );
}

const school = registered(
  ['gw-1', 'gateway'],
  ['ap-1', 'ap', 'gw-1#12'],
  ['ap-2', 'ap', 'gw-1#13'],
  ['env-1', 'sensor', 'ap-1'],
  ['env-2', 'sensor', 'ap-1'],
);

test('the chain of a device goes over switch port and gateway to its site', () => {
  const chain = chainOf(school, 'env-1').map((link) => (link.kind === 'device' ? link.device.id : link));
  expect(chain).toEqual([
    'env-1',
    'ap-1',
    { kind: 'port', gateway: 'gw-1', port: '12' },
    'gw-1',
    { kind: 'site', site: 's1' },
  ]);
  expect(ancestorsOf(school, 'env-1')).toEqual(['ap-1', 'gw-1']);
  expect(ancestorsOf(school, 'gw-1')).toEqual([]);
  expect(chainOf(school, 'nobody')).toEqual([]);
});

test('a parent that is not registered, and a circle, end the chain at the site', () => {
  const broken = registered(['a', 'ap', 'gone#3'], ['b', 'ap', 'c'], ['c', 'ap', 'b']);
  expect(chainOf(broken, 'a').map(({ kind }) => kind)).toEqual(['device', 'site']);
  expect(ancestorsOf(broken, 'b')).toEqual(['c']);
});

test('the children of a device are all that is below it, nearest first', () => {
  const byParent = groupByParent(school.values());
  expect(childrenOf(byParent, 'gw-1').map(({ id }) => id)).toEqual(['ap-1', 'ap-2', 'env-1', 'env-2']);
  expect(childrenOf(byParent, 'env-1')).toEqual([]);
});

describe('circles are found', () => {
  test.each([
    ['none in a tree', school, []],
    ['a device that is its own parent', registered(['a', 'ap', 'a']), [['a']]],
    [
      'one that others hang on',
      registered(['x', 'ap', 'a'], ['a', 'ap', 'b#1'], ['b', 'gateway', 'a']),
      [['a', 'b']],
    ],
    [
      'each once',
      registered(['a', 'ap', 'b'], ['b', 'ap', 'a'], ['c', 'ap', 'd'], ['d', 'ap', 'c']),
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
  ])('%s', (_name, devices, cycles) => {
    expect(findCycles(devices.values())).toEqual(cycles);
  });

  test('in a chain of 50,000 without running out of stack', () => {
    const rows = Array.from({ length: 50_000 }, (_, i): [string, DeviceClass, string] => [
      `d${i}`,
      'ap',
      `d${(i + 1) % 50_000}`,
    ]);
    expect(findCycles(registered(...rows).values())).toHaveLength(1);
  });
});
