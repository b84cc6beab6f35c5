import type { CatalogueCase } from '../catalogue-case.js';
import { events, reports, several } from '../story.js';

export const whiteboardCases: readonly CatalogueCase[] = [
  {
    rule: 'whiteboard-hot',
    severity: 'warning',
    bad: reports('whiteboard', { soc_temp_c: 88 }),
    close: [
      reports('whiteboard', { soc_temp_c: 84 }),
      // An update keeps it busy for three minutes.
      reports('whiteboard', (minute) => ({ soc_temp_c: minute % 60 < 3 ? 90 : 60 })),
    ],
  },
  {
    rule: 'whiteboard-hot',
    severity: 'minor',
    bad: reports('whiteboard', { soc_temp_c: 99 }),
    close: [reports('whiteboard', { soc_temp_c: 93 })],
  },
  {
    rule: 'whiteboard-crash-loop',
    bad: reports('whiteboard', (minute) => ({ crash_count: 40 + Math.floor(minute / 12) })),
    close: [
      reports('whiteboard', (minute) => ({ crash_count: 40 + Math.floor(minute / 45) })),
      // The counter starts anew after an update.
      reports('whiteboard', (minute) => ({ crash_count: minute < 60 ? 40 : 0 })),
    ],
  },
  {
    rule: 'whiteboard-app-crashes',
    bad: events('whiteboard', 'app_crash', [10, 25, 40]),
    close: [events('whiteboard', 'app_crash', [10, 60, 130, 200])],
  },
  {
    rule: 'whiteboard-reboot-loop',
    bad: events('whiteboard', 'reboot', [10, 40, 70]),
    close: [
      events('whiteboard', 'reboot', [10, 200]),
      events('whiteboard', 'reboot', [10, 40, 70], { maintenance: true }),
    ],
  },
  {
    rule: 'whiteboard-left-on',
    bad: reports('whiteboard', (minute) => ({ power: 'on', last_input_s: minute * 60 }), {
      phase: 'after_school',
    }),
    close: [
      reports('whiteboard', (minute) => ({ power: 'on', last_input_s: minute * 60 }), { phase: 'break' }),
      reports('whiteboard', { power: 'standby', last_input_s: 9000 }, { phase: 'night' }),
      // A teacher prepares the next day.
      reports('whiteboard', (minute) => ({ power: 'on', last_input_s: (minute % 25) * 60 }), {
        phase: 'after_school',
      }),
    ],
  },
  {
    rule: 'whiteboards-too-bright',
    bad: several('whiteboard', 5, (n) => ({ brightness_pct: n <= 3 ? 100 : 70 })),
    close: [several('whiteboard', 5, (n) => ({ brightness_pct: n <= 2 ? 100 : 85 }))],
  },
  {
    rule: 'whiteboard-disk-full',
    bad: reports('whiteboard', { disk_pct: 93 }),
    close: [reports('whiteboard', { disk_pct: 88 })],
  },
  {
    rule: 'whiteboard-memory-full',
    bad: reports('whiteboard', { mem_pct: 98 }),
    close: [
      reports('whiteboard', { mem_pct: 92 }),
      reports('whiteboard', (minute) => ({ mem_pct: minute % 60 < 20 ? 98 : 60 })),
    ],
  },
  {
    rule: 'whiteboard-touch-lost',
    bad: reports('whiteboard', { touch_connected: 0, power: 'on' }),
    close: [
      reports('whiteboard', { touch_connected: 0, power: 'standby' }),
      reports('whiteboard', (minute) => ({ touch_connected: minute % 30 < 3 ? 0 : 1, power: 'on' })),
    ],
  },
  {
    rule: 'whiteboard-fan-fault',
    severity: 'warning',
    bad: reports('whiteboard', { fan_fault: 1 }),
    close: [reports('whiteboard', { fan_fault: 0 })],
  },
  {
    rule: 'whiteboard-fan-fault',
    severity: 'minor',
    bad: reports('whiteboard', { fan_fault: 2 }),
    close: [reports('whiteboard', { fan_fault: 1 })],
  },
  {
    rule: 'whiteboard-lamp-fault',
    severity: 'warning',
    bad: reports('whiteboard', { lamp_fault: 1 }),
    close: [reports('whiteboard', { lamp_fault: 0 })],
  },
  {
    rule: 'whiteboard-lamp-fault',
    severity: 'minor',
    bad: reports('whiteboard', { lamp_fault: 2 }),
    close: [reports('whiteboard', { lamp_fault: 1 })],
  },
  {
    rule: 'whiteboard-filter-dirty',
    bad: reports('whiteboard', { filter_fault: 1 }),
    close: [reports('whiteboard', (minute) => ({ filter_fault: minute % 60 < 30 ? 1 : 0 }))],
  },
  {
    rule: 'whiteboard-backlight-old',
    bad: reports('whiteboard', { backlight_hours: 30_500 }, { hours: 26 }),
    close: [reports('whiteboard', { backlight_hours: 29_900 }, { hours: 26 })],
  },
];
