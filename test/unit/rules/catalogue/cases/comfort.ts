import type { CatalogueCase } from '../catalogue-case.js';
import { reports, several } from '../story.js';

export const comfortCases: readonly CatalogueCase[] = [
  {
    rule: 'classroom-hot',
    bad: reports('sensor', { temp_c: 29, occupied: 1 }),
    close: [
      reports('sensor', { temp_c: 29, occupied: 0 }),
      reports('sensor', { temp_c: 27.8, occupied: 1 }),
      // Somebody passes through once an hour.
      reports('sensor', (minute) => ({ temp_c: 31, occupied: minute % 60 === 0 ? 1 : 0 })),
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
    close: [several('sensor', 4, (n) => ({ rh_pct: n === 1 ? 90 : 70 }))],
  },
  {
    rule: 'empty-room-noisy',
    bad: reports('sensor', { laeq_dba: 54, occupied: 0 }),
    close: [
      reports('sensor', { laeq_dba: 68, occupied: 1 }),
      reports('sensor', { laeq_dba: 46, occupied: 0 }),
      reports('sensor', { laeq_dba: 54, occupied: 0 }, { phase: 'night' }),
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
