import type { CatalogueCase } from '../catalogue-case.js';
import { noise, reports, several } from '../story.js';

export const comfortCases: readonly CatalogueCase[] = [
  {
    rule: 'classrooms-hot',
    // A hot day: all rooms at once.
    bad: several('sensor', 6, (n) => ({ temp_c: 29 + n / 10, occupied: 1 })),
    close: [
      several('sensor', 6, () => ({ temp_c: 29, occupied: 0 })),
      several('sensor', 6, () => ({ temp_c: 27.8, occupied: 1 })),
      // Somebody passes through once an hour.
      several('sensor', 6, (_, minute) => ({ temp_c: 31, occupied: minute % 60 === 0 ? 1 : 0 })),
      // They come back from lunch, and the air conditioning needs half an hour.
      several('sensor', 6, (_, minute) => ({
        temp_c: Math.max(25.5, 33 - Math.max(0, minute - 60) / 5),
        occupied: minute < 60 ? 0 : 1,
      })),
    ],
  },
  {
    // A learning point with one room.
    rule: 'classrooms-hot',
    bad: reports('sensor', { temp_c: 29, occupied: 1 }),
    close: [reports('sensor', { temp_c: 29, occupied: 0 })],
  },
  {
    rule: 'classroom-hot',
    bad: several('sensor', 6, (n) => ({ temp_c: n === 1 ? 30 : 26, occupied: 1 })),
    close: [
      several('sensor', 6, (n) => ({ temp_c: n === 1 ? 28.4 : 27, occupied: 1 })),
      several('sensor', 6, (n) => ({ temp_c: n === 1 ? 33 : 26, occupied: n === 1 ? 0 : 1 })),
    ],
  },
  {
    rule: 'classrooms-cold',
    bad: several('sensor', 6, (n) => ({ temp_c: 14, occupied: n <= 3 ? 1 : 0 })),
    close: [
      several('sensor', 6, () => ({ temp_c: 14, occupied: 0 })),
      several('sensor', 6, (n) => ({ temp_c: n === 1 ? 14 : 18, occupied: 1 })),
    ],
  },
  {
    rule: 'classrooms-damp',
    bad: several('sensor', 4, () => ({ rh_pct: 88 })),
    close: [
      several('sensor', 4, (n) => ({ rh_pct: n === 1 ? 90 : 70 })),
      several('sensor', 4, () => ({ rh_pct: 88 }), { phase: 'night' }),
    ],
  },
  {
    rule: 'empty-room-noisy',
    bad: reports('sensor', { laeq_dba: 54, occupied: 0 }),
    close: [
      reports('sensor', { laeq_dba: 68, occupied: 1 }),
      reports('sensor', { laeq_dba: 46, occupied: 0 }),
      reports('sensor', { laeq_dba: 54, occupied: 0 }, { phase: 'night' }),
      // Sports outside: louder, but not evenly so.
      reports('sensor', (minute) => ({ laeq_dba: 62 + 8 * noise(minute), occupied: 0 })),
    ],
  },
  {
    rule: 'desk-light-low',
    bad: reports('sensor', { lux: 220, occupied: 1 }),
    close: [
      // A darkened room, for the projector.
      reports('sensor', { lux: 40, occupied: 1 }),
      reports('sensor', { lux: 220, occupied: 1 }, { phase: 'after_school' }),
      reports('sensor', { lux: 340, occupied: 1 }),
    ],
  },
  {
    rule: 'board-light-low',
    bad: reports('sensor', { lux_board: 380, occupied: 1 }),
    close: [
      reports('sensor', { lux_board: 90, occupied: 1 }),
      reports('sensor', { lux_board: 560, occupied: 1 }),
    ],
  },
];
