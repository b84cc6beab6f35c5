import type { Device } from '../../devices/device.js';
import type { Room, RoomKind } from '../../devices/room.js';

/** A room with what is in it beside its sensor. */
interface RoomPlan {
  readonly room: Room;
  readonly whiteboards: number;
  readonly aps: number;
}

const classrooms = 36;
const classroomsPerFloor = 9;

/** What a campus has beside classrooms: 14 rooms, in the counts that make 50 whiteboards and 70 access points. */
const specialRooms: readonly {
  readonly kind: RoomKind;
  readonly count: number;
  readonly zh: string;
  readonly en: string;
  readonly floor: number;
  readonly capacity: number;
  readonly whiteboards: number;
  readonly aps: number;
}[] = [
  special('laboratory', 4, '实验室', 'Laboratory', 2, 48, 1, 1),
  special('computer_room', 3, '计算机教室', 'Computer room', 3, 56, 1, 2),
  special('library', 1, '图书馆', 'Library', 1, 120, 1, 4),
  special('hall', 2, '报告厅', 'Hall', 1, 300, 2, 4),
  special('gym', 1, '体育馆', 'Gym', 1, 400, 0, 5),
  special('office', 2, '教师办公室', 'Office', 4, 20, 1, 3),
  special('equipment', 1, '网络机房', 'Equipment room', 1, 0, 0, 1),
];

/** The 50 rooms of a campus. `capacity` is that of a classroom. */
export function planRooms(site: string, capacity: number): RoomPlan[] {
  const rooms: RoomPlan[] = [];
  for (let i = 0; i < classrooms; i++) {
    const floor = Math.floor(i / classroomsPerFloor) + 1;
    const number = `${floor}${String((i % classroomsPerFloor) + 1).padStart(2, '0')}`;
    const nameZh = `${number}教室`;
    const nameEn = `Classroom ${number}`;
    const kind = 'classroom';
    const room: Room = { site, id: `r${number}`, kind, capacity, floor, nameZh, nameEn };
    rooms.push({ room, whiteboards: 1, aps: 1 });
  }
  for (const { kind, count, zh, en, floor, capacity: seats, whiteboards, aps } of specialRooms) {
    for (let n = 1; n <= count; n++) {
      const suffix = count === 1 ? '' : String(n);
      const id = `${kind.replaceAll('_', '-')}${suffix}`;
      const [nameZh, nameEn] = [`${zh}${suffix}`, `${en} ${suffix}`.trim()];
      const room: Room = { site, id, kind, capacity: seats, floor, nameZh, nameEn };
      rooms.push({ room, whiteboards, aps });
    }
  }
  return rooms;
}

/**
 * The 172 devices of a campus: 50 sensors, 50 whiteboards, 70 access points, 2 gateways. Access points and
 * whiteboards are on the switch ports of the gateways, sensors on the access point of their room.
 */
export function planDevices(site: string, rooms: readonly RoomPlan[], serial: () => string): Device[] {
  const machineRoom = rooms.find(({ room }) => room.kind === 'equipment')?.room.id ?? '';
  const gateways = [1, 2].map((n): Device => {
    const id = `${site}-gw-${n}`;
    return device(id, 'gateway', machineRoom, { model: 'KX-G2', intervalS: 10 });
  });
  const devices: Device[] = [...gateways];
  const counts = { sensor: 0, whiteboard: 0, ap: 0 };
  let ports = 0;
  const nextPort = () => {
    const gateway = gateways[ports % gateways.length];
    return `${gateway?.id ?? ''}#${Math.floor(ports++ / gateways.length) + 1}`;
  };
  const nextId = (deviceClass: keyof typeof counts, short: string) =>
    `${site}-${short}-${String(++counts[deviceClass]).padStart(2, '0')}`;
  for (const { room, whiteboards, aps } of rooms) {
    let firstAp: string | undefined;
    for (let i = 0; i < aps; i++) {
      const id = nextId('ap', 'ap');
      firstAp ??= id;
      devices.push(device(id, 'ap', room.id, { model: 'KX-A6', parent: nextPort() }));
    }
    for (let i = 0; i < whiteboards; i++) {
      const id = nextId('whiteboard', 'wb');
      devices.push(device(id, 'whiteboard', room.id, { model: 'KX-W86', parent: nextPort() }));
    }
    const id = nextId('sensor', 'env');
    devices.push(device(id, 'sensor', room.id, { model: 'KX-S3', parent: firstAp }));
  }
  return devices;

  function device(
    id: string,
    deviceClass: Device['deviceClass'],
    room: string,
    more: Partial<Device>,
  ): Device {
    return { id, site, deviceClass, room, serial: serial(), intervalS: 60, ...more };
  }
}

function special(
  kind: RoomKind,
  count: number,
  zh: string,
  en: string,
  floor: number,
  capacity: number,
  whiteboards: number,
  aps: number,
) {
  return { kind, count, zh, en, floor, capacity, whiteboards, aps };
}
