import type { DeviceClass } from '../../devices/device-class.js';
import { createDemoRegistry } from '../../simulators/city/demo-registry.js';
import { seededRandom } from '../../simulators/city/seeded-random.js';
import type { Reading } from '../../devices/telemetry.js';
import { roomKey } from '../../devices/room.js';
import type { Timetable } from '../../devices/timetable.js';
import { placeOf } from '../../rules/device-ref.js';
import type { DeviceRef } from '../../rules/device-ref.js';

/** The devices of a demo city, as the engine wants to know them, and the timetables of its sites. */
export function cityDevices(campuses: number): {
  readonly devices: readonly DeviceRef[];
  readonly timetables: ReadonlyMap<string, Timetable>;
} {
  const { devices, rooms, sites, timetables } = createDemoRegistry({ campuses, seed: 7 });
  const refs = [...devices.values()].map((device): DeviceRef => {
    const { id, site, deviceClass } = device;
    const place = placeOf(device, rooms.get(roomKey(site, device.room)), sites.get(site));
    return { ...place, id, site, deviceClass, intervalS: 60 };
  });
  return { devices: refs, timetables };
}

type Metrics = Pick<Reading, 'm' | 'parts'>;

/** What a device of a class reports on a plain day, varied a little; each device takes them in turn. */
export function metricsOfClass(deviceClass: DeviceClass, variants: number): readonly Metrics[] {
  const random = seededRandom(deviceClass.length);
  const around = (value: number, by: number) => Math.round((value + (random() - 0.5) * 2 * by) * 10) / 10;
  return Array.from({ length: variants }, () => makers[deviceClass](around));
}

type Around = (value: number, by: number) => number;

const makers: Readonly<Record<DeviceClass, (around: Around) => Metrics>> = {
  sensor: (around) => ({
    m: {
      co2_ppm: around(800, 150),
      temp_c: around(24, 2),
      rh_pct: around(55, 5),
      pm25_ugm3: around(25, 5),
      hcho_mgm3: 0.03,
      lux: around(450, 40),
      laeq_dba: around(55, 5),
      occupied: 1,
    },
  }),
  whiteboard: (around) => ({
    m: {
      power: 'on',
      input: 'ops1',
      on_hours: 5120,
      backlight_hours: 4800,
      brightness_pct: 70,
      soc_temp_c: around(65, 5),
      board_temp_c: around(50, 4),
      cpu_pct: around(35, 20),
      mem_pct: around(60, 10),
      disk_pct: 71,
      fan_fault: 0,
      lamp_fault: 0,
      temp_fault: 0,
      touch_connected: 1,
      touches_per_h: around(120, 60),
      last_input_s: around(120, 100),
      crash_count: 2,
    },
  }),
  ap: (around) => {
    const radio = (channel: number) => ({
      channel,
      chan_util_pct: around(35, 10),
      own_tx_pct: around(12, 4),
      own_rx_pct: around(8, 3),
      noise_dbm: -95,
      rssi_dbm: around(-61, 3),
      retry_pct: around(6, 2),
      clients: Math.round(around(14, 5)),
    });
    return {
      m: {
        clients: 30,
        clients_ipv4: 30,
        clients_ipv6: 29,
        cpu_pct: around(30, 10),
        mem_pct: around(55, 5),
        temp_c: around(48, 3),
        uptime_s: 500_000,
        auth_fail_pct: 0.5,
        dhcp_fail_pct: 0.2,
        dhcpv6_fail_pct: 0.3,
        dns_fail_pct: 0.1,
        ra_sources: 1,
        link_mbps: 1000,
        link_errors: 3,
        poe_w: around(12, 1),
      },
      parts: { radio2: radio(6), radio5: radio(44) },
    };
  },
  gateway: (around) => ({
    m: {
      cpu_pct: around(25, 10),
      mem_pct: around(50, 5),
      link_up: 1,
      link_mbps: 1000,
      rx_mbps: around(310, 40),
      tx_mbps: around(60, 10),
      rtt_ms: around(9, 1),
      rtt6_ms: around(10, 1),
      loss_pct: 0.1,
      loss6_pct: 0.1,
      dns_ms: around(15, 3),
      dns_fail_pct: 0.1,
      dhcp_fail_pct: 0.1,
      ntp_offset_ms: around(4, 2),
    },
  }),
};
