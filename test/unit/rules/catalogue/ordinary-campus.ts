import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reading } from '../../../../devices/telemetry.js';
import type { SchoolPhase } from '../../../../devices/timetable.js';
import { roomKey } from '../../../../devices/room.js';
import type { RoomKind } from '../../../../devices/room.js';
import type { HistoryItem } from '../../../../rules/backtest/history.js';
import { createCalendar } from '../../../../rules/calendar.js';
import type { Calendar } from '../../../../rules/calendar.js';
import { placeOf } from '../../../../rules/device-ref.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createDemoRegistry } from '../../../../simulators/city/demo-registry.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';
import { parseUciRow } from '../../../../simulators/recording/uci-occupancy.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The weather of a stretch of days. */
export interface Weather {
  /** Outside, the mean of the day and by how much the afternoon is warmer. */
  readonly meanC: number;
  readonly swingC: number;
  readonly rhPct: number;
  readonly pm25: number;
}

/** Whether a class is in its room, whatever the timetable says: it also has sports, and laboratories. */
interface RoomState {
  readonly kind: RoomKind;
  readonly id: string;
  co2: number;
  touchedAt: number;
  t: number;
  rh: number;
  /** The sun shines in, in °C. */
  readonly sunny: number;
  /** What its sensor tells apart, °C. */
  readonly resolution: number;
  readonly light: number;
  readonly isByTheSportsGround: boolean;
}

/**
 * A campus of the demo city, 172 devices, where nothing is broken, as it is made up minute by minute: classes by the
 * timetable that go to sports and laboratories, air conditioning in use and rooms that are cooled always, rooms that
 * nobody uses, a phone with an old password, a teacher who stays. In one office CO2, light and people are those of a
 * real office (UCI Occupancy, in simulators/data).
 */
export function* ordinaryCampus(options: {
  readonly from: number;
  readonly days: number;
  /** Minutes from one report of a device to its next. */
  readonly every: number;
  readonly weather: Weather;
  readonly calendar: Calendar;
  readonly devices: readonly DeviceRef[];
  readonly seed: number;
}): Generator<HistoryItem> {
  const { from, days, every, weather, calendar, devices } = options;
  const random = seededRandom(options.seed);
  const around = (value: number, by: number) =>
    value + ((random() + random() + random() + random() - 2) / 0.58) * by;
  const office = officeDay();
  const rooms = new Map<string, RoomState>();
  for (const { room = '', roomKind = 'other' } of devices) {
    if (rooms.has(room)) continue;
    rooms.set(room, {
      kind: roomKind,
      id: room,
      co2: 430,
      touchedAt: from,
      t: weather.meanC,
      rh: weather.rhPct,
      sunny: 2 * random(),
      resolution: random() < 0.2 ? 1 : 0.1,
      light: 340 + 140 * random(),
      isByTheSportsGround: random() < 0.2,
    });
  }
  const classrooms = [...rooms.values()].filter(({ kind }) => kind === 'classroom');
  const oldPhone = classrooms[7]?.id;
  const [site = ''] = devices.map((device) => device.site);
  let [taughtAt, taughtOn] = [-Infinity, 0];
  for (let minute = 0; minute < days * 1440; minute += every) {
    const at = from + minute * minuteMs;
    const phase = calendar.phaseAt(site, at) ?? 'night';
    const hour = ((at + calendar.offsetMs(at)) % dayMs) / hourMs;
    const day = Math.floor((at + calendar.offsetMs(at)) / dayMs);
    const outsideC = weather.meanC + weather.swingC * Math.sin(((hour - 9) / 24) * 2 * Math.PI);
    const inUse = new Map<string, boolean>();
    let n = 0;
    for (const room of rooms.values()) {
      const used = isInUse(room, n++, phase, hour, day);
      inUse.set(room.id, used);
      for (let i = 0; i < every; i++) moveAir(room, used, phase, outsideC, weather, around);
    }
    if (phase === 'lesson' || phase === 'break') [taughtAt, taughtOn] = [at, day];
    const isOn = (i: number) => isTurnedOn(i, at - taughtAt, taughtOn);
    let i = 0;
    for (const device of devices) {
      i++;
      // Now and then a report is lost.
      if (random() < 0.002) continue;
      const room = rooms.get(device.room ?? '') as RoomState;
      const used = inUse.get(room.id) === true;
      const ts = at + ((i * 347) % 50_000);
      let reading: Pick<Reading, 'm' | 'parts'>;
      switch (device.deviceClass) {
        case 'sensor':
          reading = {
            m: { ...sense(room, used, phase, hour), ...(room.id === 'office1' ? office(ts) : {}) },
          };
          break;
        case 'whiteboard':
          reading = { m: boardOf(room, used, isOn(i), at, i) };
          break;
        case 'ap':
          reading = accessPoint(room, used, phase, minute, room.id === oldPhone);
          break;
        case 'gateway':
          reading = { m: gateway(phase, minute) };
          break;
      }
      yield { kind: 'reading', device, reading: { ts, ...reading } };
    }
  }

  function sense(room: RoomState, used: boolean, phase: SchoolPhase, hour: number): Reading['m'] {
    const byDay = hour > 6 && hour < 18;
    const outside = room.isByTheSportsGround && phase !== 'night' && byDay ? around(55, 6) : 0;
    return {
      co2_ppm: Math.round(room.co2 + around(0, 12)),
      temp_c: Math.round((room.t + around(0, 0.05)) / room.resolution) * room.resolution,
      rh_pct: Math.round(Math.min(100, room.rh + around(0, 0.4))),
      pm25_ugm3: Math.max(1, Math.round(around(weather.pm25, weather.pm25 / 6))),
      pm10_ugm3: Math.max(1, Math.round(around(1.7 * weather.pm25, weather.pm25 / 5))),
      hcho_mgm3: Math.max(0, around(0.03, 0.008)),
      tvoc_mgm3: Math.max(0, around(0.2, 0.06)),
      co_mgm3: Math.max(0, around(0.5, 0.2)),
      lux: Math.round(used ? around(room.light, 15) : byDay ? around(160, 30) : 1),
      lux_board: Math.round(used ? around(room.light + 200, 20) : 5),
      laeq_dba: Math.max(30, used ? around(63, 5) : Math.max(outside, around(37, 2))),
      // Who sits still is overlooked at times.
      occupied: used && random() < 0.85 ? 1 : 0,
      battery_pct: 80,
      rssi_dbm: Math.round(around(-60, 2)),
    };
  }

  function boardOf(room: RoomState, used: boolean, on: boolean, at: number, i: number): Reading['m'] {
    if (on && used) room.touchedAt = at - Math.abs(around(0, 200_000));
    const shown = on && room.kind !== 'equipment';
    return {
      power: shown ? 'on' : 'standby',
      soc_temp_c: shown ? around(64, 4) : 34,
      brightness_pct: shown ? 75 : 0,
      cpu_pct: shown ? around(40, 15) : 2,
      disk_pct: 55 + (i % 30),
      mem_pct: shown ? around(70, 6) : 30,
      touch_connected: shown ? 1 : 0,
      last_input_s: Math.max(0, Math.round((at - room.touchedAt) / 1000)),
      crash_count: 3,
      backlight_hours: 12_000,
      fan_fault: 0,
      lamp_fault: 0,
      filter_fault: 0,
    };
  }

  function accessPoint(
    room: RoomState,
    used: boolean,
    phase: SchoolPhase,
    minute: number,
    hasOldPhone: boolean,
  ): Pick<Reading, 'm' | 'parts'> {
    const isQuiet = phase === 'night' || phase === 'after_school';
    const clients = used
      ? Math.max(0, Math.round(around(room.kind === 'office' ? 8 : 14, 3)))
      : room.kind === 'classroom' && !isQuiet && random() < 0.5
        ? 1
        : 0;
    const fails = hasOldPhone && !isQuiet;
    const radio = (share: number, util: number) => ({
      chan_util_pct: Math.max(0, around(used ? util : util / 3, 6)),
      own_tx_pct: Math.max(0, around(used ? 14 : 3, 2)),
      own_rx_pct: Math.max(0, around(used ? 9 : 2, 1.5)),
      noise_dbm: -95,
      rssi_dbm: Math.round(around(-62, 2)),
      retry_pct: Math.max(0, around(6, 1.5)),
      clients: Math.round(clients * share),
    });
    return {
      m: {
        clients,
        clients_ipv4: clients,
        clients_ipv6: Math.round(clients * 0.95),
        cpu_pct: Math.max(0, around(22, 6)),
        mem_pct: around(55, 2),
        temp_c: around(49, 2),
        uptime_s: 1e6 + minute * 60,
        link_mbps: 1000,
        link_errors: 5,
        assoc_fail_pct: Math.max(0, fails ? around(30, 8) : around(1.5, 1)),
        auth_fail_pct: Math.max(0, fails ? around(45, 8) : around(1.5, 1)),
        dhcp_fail_pct: Math.max(0, around(0.3, 0.2)),
        dhcpv6_fail_pct: Math.max(0, around(0.8, 0.4)),
        dns_fail_pct: Math.max(0, around(0.3, 0.2)),
        ra_age_s: Math.round(400 * random()),
        ra_sources: 1,
      },
      parts: { radio2: radio(0.3, 46), radio5: radio(0.7, 32) },
    };
  }

  function gateway(phase: SchoolPhase, minute: number): Reading['m'] {
    const isBusy = phase === 'lesson' || phase === 'break';
    return {
      cpu_pct: Math.max(0, around(isBusy ? 35 : 12, 5)),
      mem_pct: around(52, 2),
      disk_pct: 41,
      temp_c: around(50, 1),
      uptime_s: 2e6 + minute * 60,
      rx_mbps: Math.max(1, around(isBusy ? 320 : 15, isBusy ? 70 : 4)),
      tx_mbps: Math.max(1, around(isBusy ? 80 : 6, isBusy ? 20 : 2)),
      loss_pct: Math.max(0, around(0.1, 0.1)),
      rtt_ms: Math.max(1, around(isBusy ? 14 : 8, 1.5)),
      loss6_pct: Math.max(0, around(0.2, 0.1)),
      rtt6_ms: Math.max(1, around(isBusy ? 16 : 9, 1.5)),
      dns_fail_pct: Math.max(0, around(0.3, 0.2)),
      dns_ms: Math.max(1, around(20, 4)),
      dhcp_fail_pct: Math.max(0, around(0.2, 0.1)),
      ntp_offset_ms: around(3, 1),
      link_up: 1,
      link_mbps: 1000,
      ...(minute % 240 === 0 ? { throughput_down_mbps: around(930, 10) } : {}),
    };
  }
}

/** Which rooms have people in them: no two of a floor alike. */
function isInUse({ kind }: RoomState, n: number, phase: SchoolPhase, hour: number, day: number): boolean {
  const period = Math.floor(hour);
  const draw = ((n * 7919 + day * 104_729 + period * 1299) % 97) / 97;
  switch (kind) {
    case 'classroom': {
      const isLunch = hour > 12 && hour < 14;
      // A lesson in eight is elsewhere: sports, laboratory, computers. One class is away all day, on a trip.
      if (phase === 'lesson') return draw > 0.12 && (n + day) % 36 !== 0;
      if (phase === 'break') return !isLunch && (n + day) % 36 !== 0;
      // Somebody stays to study, in one of nine rooms, until 18:30.
      return phase === 'after_school' && hour > 16 && hour < 18.5 && n % 9 === 0;
    }
    case 'laboratory':
    case 'computer_room':
    case 'gym':
      return phase === 'lesson' && draw > 0.5;
    case 'library':
      return (phase === 'lesson' || phase === 'break') && draw > 0.3;
    case 'hall':
      return phase === 'lesson' && draw > 0.9;
    case 'office':
      return phase === 'lesson' || phase === 'break';
    case 'corridor':
    case 'equipment':
    case 'outdoor':
    case 'other':
      return false;
  }
}

/** Whiteboards are put to standby at the end of the day, by some teachers half an hour late, and one not, once a week. */
function isTurnedOn(i: number, sinceSchoolMs: number, day: number): boolean {
  const forgotten = day % 7 === 4 && i === 61 ? 4 * 60 : 0;
  return sinceSchoolMs <= (((i * 31 + day * 17) % 30) + forgotten) * minuteMs;
}

type Around = (value: number, by: number) => number;

/** A minute of the air of a room. */
function moveAir(
  room: RoomState,
  used: boolean,
  phase: SchoolPhase,
  outsideC: number,
  weather: Weather,
  around: Around,
): void {
  const isOpen = phase === 'break' && used;
  const isCooled = room.kind === 'equipment' || (outsideC > 26 && (used || room.kind === 'computer_room'));
  const airing = used ? (isOpen ? 0.15 : 0.035) : 0.03;
  const breath = used ? (room.kind === 'classroom' ? 18 : 12) : 0;
  room.co2 += breath - airing * (room.co2 - 420) + around(0, 3);
  const target = room.kind === 'equipment' ? 21 : isCooled ? 25.5 : outsideC + 0.5 + room.sunny;
  room.t += (target - room.t) * (isCooled ? 0.04 : 0.02) + around(0, 0.02);
  room.rh += ((isCooled ? Math.min(60, weather.rhPct) : weather.rhPct) - room.rh) * 0.02 + around(0, 0.15);
}

const uciFile = join(import.meta.dirname, '../../../../simulators/data/uci-occupancy-datatraining.txt');

/** What a sensor in a real office said at that minute of the week, of another day where nothing was recorded then. */
function officeDay(): (at: number) => Reading['m'] {
  const recorded = new Map<number, Reading['m']>();
  for (const line of readFileSync(uciFile, 'utf8').split('\n').slice(1)) {
    if (line.trim() === '') continue;
    const row = parseUciRow(line.replaceAll('"', '').split(','));
    if ('wrong' in row) continue;
    // Its winter is another one than ours: warmth and humidity are left out.
    const { co2_ppm: co2 = 420, lux = 0, occupied = 0 } = row.m;
    recorded.set(Math.round(row.at / minuteMs), { co2_ppm: co2, lux, occupied });
  }
  const [first = 0] = recorded.keys();
  const length = [...recorded.keys()].at(-1) ?? first;
  return (at) => {
    let minute = Math.round(at / minuteMs);
    minute -= Math.floor((minute - first) / (7 * 1440)) * 7 * 1440;
    while (minute > length) minute -= 1440;
    for (;;) {
      const found = recorded.get(minute);
      if (found !== undefined) return found;
      minute--;
      if (minute < first) return {};
    }
  };
}

/** A campus of the demo city, as rules know it. */
export function demoCampus(): { devices: readonly DeviceRef[]; calendar: Calendar } {
  const { devices, rooms, sites, timetables } = createDemoRegistry({ campuses: 1, seed: 7 });
  const refs = [...devices.values()].map((device): DeviceRef => {
    const { id, site, deviceClass } = device;
    const place = placeOf(device, rooms.get(roomKey(site, device.room)), sites.get(site));
    return { ...place, id, site, deviceClass, intervalS: 60 };
  });
  const calendar = createCalendar({
    timeZone: 'Asia/Shanghai',
    timetable: (site) => timetables.get(site),
    isInMaintenance: () => false,
  });
  return { devices: refs, calendar };
}
