import type { DeviceClass } from '../../../../../devices/device-class.js';
import type { CatalogueCase } from '../catalogue-case.js';
import type { Story, Told } from '../story.js';

/** Of so many devices these are silent from minute 10 on. */
function silent(
  deviceClass: DeviceClass,
  ids: readonly string[],
  gone: readonly string[],
  more: Partial<Story> = {},
): Story {
  const tell = (minute: number) =>
    ids.filter((id) => minute < 10 || !gone.includes(id)).map((id) => ({ id, m: {} }));
  return { deviceClass, tell, hours: 2, ...more };
}

/** One device that is heard for ten minutes, and then what is known of it. */
function then(deviceClass: DeviceClass, presence: Told['presence'], until = Infinity): Story {
  const tell = (minute: number): Told[] =>
    minute < 10 || minute >= until
      ? [{ m: {} }]
      : minute === 10 && presence !== undefined
        ? [{ presence }]
        : [];
  return { deviceClass, tell, hours: 1 };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));
/** Odd ones are behind one gateway, even ones behind the other. */
const twoGateways = (id: string) => ({ parentId: `gw-${Number(id) % 2}` });

export const silenceCases: readonly CatalogueCase[] = [
  {
    rule: 'sensor-silent',
    bad: silent('sensor', ['a'], ['a']),
    close: [
      then('sensor', undefined, 14),
      then('sensor', { state: 'unknown', excused: true }),
      silent('sensor', ['a'], ['a'], { maintenance: true }),
    ],
  },
  {
    rule: 'whiteboard-silent',
    bad: silent('whiteboard', ['a'], ['a']),
    close: [
      // The caretaker cuts the mains.
      silent('whiteboard', ['a'], ['a'], { phase: 'after_school', hours: 12 }),
      then('whiteboard', undefined, 35),
    ],
  },
  {
    rule: 'ap-silent',
    bad: silent('ap', ['a'], ['a']),
    close: [
      // Radar: it is away for the wait on the new channel.
      then('ap', undefined, 12),
      // Its gateway is gone.
      then('ap', { state: 'unknown', excused: true }),
    ],
  },
  {
    rule: 'ap-hung',
    bad: then('ap', { state: 'stale', excused: false }),
    close: [then('ap', { state: 'stale', excused: false }, 22)],
  },
  {
    rule: 'switch-aps-silent',
    bad: silent('ap', numbered(16), ['2', '4', '6', '8'], {
      device: (id) => ({ parentId: ['2', '4', '6', '8'].includes(id) ? 'gw-2' : 'gw-1' }),
    }),
    close: [silent('ap', numbered(16), ['2', '4', '6', '8'], { device: twoGateways })],
    also: ['ap-silent'],
  },
  {
    rule: 'site-aps-silent',
    bad: silent('ap', numbered(12), ['1', '2', '3', '4'], { device: twoGateways }),
    close: [silent('ap', numbered(12), ['1', '2', '3'], { device: twoGateways })],
    also: ['ap-silent'],
  },
  {
    rule: 'gateway-silent',
    severity: 'major',
    bad: silent('gateway', ['a'], ['a']),
    close: [then('gateway', undefined, 14), silent('gateway', ['a'], ['a'], { maintenance: true })],
  },
  {
    rule: 'site-gateways-silent',
    severity: 'major',
    bad: silent('gateway', ['a', 'b'], ['a', 'b']),
    close: [silent('gateway', ['a', 'b'], ['a']), silent('gateway', ['a'], ['a'])],
    also: ['gateway-silent'],
  },
];
