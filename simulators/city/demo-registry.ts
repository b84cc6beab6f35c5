import type { Device } from '../../devices/device.js';
import type { District } from '../../devices/district.js';
import type { Registry } from '../../devices/registry.js';
import { roomKey } from '../../devices/room.js';
import type { Room } from '../../devices/room.js';
import type { Site } from '../../devices/site.js';
import type { Timetable } from '../../devices/timetable.js';
import { planDevices, planRooms } from './campus-plan.js';
import { districtPlaces, schoolWords, stageNames } from './place-names.js';
import { schoolTimetable } from './school-year.js';
import { seededRandom } from './seeded-random.js';

/**
 * A city to try things on: campuses with 50 rooms, 172 devices and a timetable each. The same numbers give the
 * same city.
 */
export function createDemoRegistry({
  campuses,
  seed,
}: {
  readonly campuses: number;
  readonly seed: number;
}): Registry {
  const random = seededRandom(seed);
  const sites = new Map<string, Site>();
  const rooms = new Map<string, Room>();
  const timetables = new Map<string, Timetable>();
  const devices = new Map<string, Device>();
  const names = new Set<string>();
  const numbers: Partial<Record<District, number>> = {};
  let serials = 0;
  // Letters in front keep spreadsheet programs from reading a number.
  const serial = () => `KX26${String(Math.floor(random() * 1e6)).padStart(6, '0')}${++serials}`;
  for (const district of spread(campuses)) {
    const number = (numbers[district] = (numbers[district] ?? 0) + 1);
    const id = `fs-${district}-${String(number).padStart(3, '0')}`;
    const { stage, nameZh, nameEn } = nameSchool(district, names, random);
    sites.set(id, { id, kind: 'campus', district, stage, uplinkMbps: 1000, nameZh, nameEn });
    // GB 50099 plans classes of 45 in primary and 50 in secondary schools.
    const planned = planRooms(id, stage === 'primary' ? 45 : 50);
    for (const { room } of planned) rooms.set(roomKey(id, room.id), room);
    for (const device of planDevices(id, planned, serial)) devices.set(device.id, device);
    const startsAt = 7 * 60 + 40 + 5 * Math.floor(random() * 5);
    timetables.set(id, schoolTimetable(id, stage, startsAt));
  }
  return { sites, rooms, timetables, devices };
}

/** A district for each campus, in the districts' proportion and mixed evenly. */
function spread(campuses: number): District[] {
  const districts = Object.keys(districtPlaces) as District[];
  const due = new Map(districts.map((district) => [district, 0]));
  return Array.from({ length: campuses }, () => {
    for (const district of districts)
      due.set(district, (due.get(district) ?? 0) + districtPlaces[district].share);
    const next = districts.reduce((a, b) => ((due.get(b) ?? 0) > (due.get(a) ?? 0) ? b : a));
    due.set(next, (due.get(next) ?? 0) - 100);
    return next;
  });
}

function nameSchool(district: District, taken: Set<string>, random: () => number) {
  const { towns } = districtPlaces[district];
  for (let tries = 0; ; tries++) {
    const [town, word] = [pick(towns, random), pick(schoolWords, random)];
    const { stage, zh, en } = pickStage(random);
    // A city larger than Foshan runs out of names.
    const number = tries < 1000 ? '' : String(taken.size + 1);
    const nameZh = `${town.zh}${word.zh}${number}${zh}`;
    if (taken.has(nameZh)) continue;
    taken.add(nameZh);
    return { stage, nameZh, nameEn: [town.en, word.en, number, en].filter((part) => part !== '').join(' ') };
  }
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

function pickStage(random: () => number) {
  let left = random() * 100;
  return stageNames.find(({ share }) => (left -= share) < 0) ?? stageNames[0];
}
