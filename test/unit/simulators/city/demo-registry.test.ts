import { expect, test } from 'vitest';
import { deviceClasses } from '../../../../devices/device-class.js';
import { emptyRegistry } from '../../../../devices/registry.js';
import { encodeText } from '../../../../devices/tables/encode-text.js';
import { planImport } from '../../../../devices/tables/plan-import.js';
import { writeTable } from '../../../../devices/tables/write-tables.js';
import { tableNames } from '../../../../devices/tables/columns.js';
import { phaseAt } from '../../../../devices/timetable.js';
import { ancestorsOf } from '../../../../devices/topology.js';
import { createDemoRegistry } from '../../../../simulators/city/demo-registry.js';

const city = createDemoRegistry({ campuses: 100, seed: 7 });

test('a city of 100 campuses has 172 devices and 50 rooms each, in all districts', () => {
  expect(city.sites.size).toBe(100);
  expect(city.rooms.size).toBe(5000);
  expect(city.timetables.size).toBe(100);
  const devices = [...city.devices.values()];
  for (const site of city.sites.keys()) {
    const ofSite = devices.filter((device) => device.site === site);
    expect(
      deviceClasses.map((each) => ofSite.filter((device) => device.deviceClass === each).length),
    ).toEqual([50, 50, 70, 2]);
  }
  const districts = [...city.sites.values()].map(({ district }) => district);
  expect(districts.filter((district) => district === 'chancheng')).toHaveLength(20);
  expect(new Set(districts).size).toBe(5);
  expect(new Set([...city.sites.values()].map(({ nameZh }) => nameZh)).size).toBe(100);
});

test('its files are a registry without a mistake', () => {
  const files = tableNames.map((table) => ({
    file: table,
    bytes: encodeText(writeTable(city, table), 'utf-8'),
  }));
  const { problems, changes } = planImport(emptyRegistry, files);
  expect(problems).toEqual([]);
  expect(changes.filter(({ table }) => table === 'devices')).toHaveLength(17_200);
});

test('every access point is on a switch port of its own, every sensor behind an access point', () => {
  const ports = [...city.devices.values()].flatMap(({ parent }) => (parent?.includes('#') ? [parent] : []));
  expect(new Set(ports).size).toBe(ports.length);
  const [sensor] = [...city.devices.values()].filter(({ deviceClass }) => deviceClass === 'sensor');
  const classes = ancestorsOf(city.devices, sensor?.id ?? '').map((id) => city.devices.get(id)?.deviceClass);
  expect(classes).toEqual(['ap', 'gateway']);
});

test('its schools teach on a Monday morning in term and not in the holidays', () => {
  for (const timetable of city.timetables.values()) {
    expect(phaseAt(timetable, Date.parse('2026-03-02T08:30:00+08:00'), 'Asia/Shanghai')).toBe('lesson');
    expect(phaseAt(timetable, Date.parse('2026-10-01T08:30:00+08:00'), 'Asia/Shanghai')).toBe('after_school');
  }
});

test('the same seed gives the same city, another another', () => {
  const sites = (seed: number) => writeTable(createDemoRegistry({ campuses: 20, seed }), 'sites');
  expect(sites(7)).toBe(sites(7));
  expect(sites(8)).not.toBe(sites(7));
});
