import type { DeviceClass } from '../../devices/device-class.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { Window } from '../expression/window.js';
import type { CompiledRule } from '../rule.js';

/** What there is to do for the devices of one class; other classes' rules cost them nothing. */
export interface Program {
  /** Rules that readings move. */
  readonly readingRules: readonly CompiledRule[];
  /** Rules that the passing of time moves. */
  readonly silenceRules: readonly CompiledRule[];
  /** The windows that its rules look at, each once. */
  readonly windows: readonly Window[];
}

export function createPrograms(rules: readonly CompiledRule[]): Readonly<Record<DeviceClass, Program>> {
  const programs = deviceClasses.map((deviceClass) => {
    const own = rules.filter((rule) => rule.classes.includes(deviceClass));
    const windows = own.flatMap((rule) => [...rule.condition.windows, ...rule.clear.windows]);
    const program: Program = {
      readingRules: own.filter((rule) => rule.condition.kind === 'reading'),
      silenceRules: own.filter((rule) => rule.condition.kind === 'silence'),
      windows: [...new Map(windows.map((window) => [window.key, window])).values()],
    };
    return [deviceClass, program] as const;
  });
  return Object.fromEntries(programs) as Record<DeviceClass, Program>;
}
