import type { DeviceClass } from '../../devices/device-class.js';
import { isWorse } from '../alarm.js';
import type { AlarmGroup, Severity, Transition } from '../alarm.js';

/** One alarm from when it was raised to when it cleared. */
export interface Activation {
  /** `Transition.alarm` */
  readonly alarm: string;
  readonly rule: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  readonly device?: string | undefined;
  readonly part?: string | undefined;
  readonly group?: AlarmGroup | undefined;
  readonly shadow: boolean;
  readonly raisedAt: number;
  /** Undefined while it is active. */
  readonly clearedAt: number | undefined;
  /** The most severe that it was. */
  readonly peak: Severity;
  /** When an operator was called: it was raised, or became worse; epoch ms. */
  readonly calls: readonly number[];
}

type Growing = { -readonly [Key in keyof Activation]: Activation[Key] } & { calls: number[] };

/** Gathers the alarms of a period out of transitions; of what was over before it nothing is kept. */
export class Activations {
  readonly #from: number;
  readonly #until: number;
  readonly #active = new Map<string, Growing>();
  readonly #over: Growing[] = [];

  /** @param from with `until` (not part of it) the period that counts, epoch ms */
  constructor(from: number, until: number) {
    this.#from = from;
    this.#until = until;
  }

  take(transition: Transition): void {
    const { alarm, kind, at, severity } = transition;
    if (at >= this.#until) return;
    if (kind === 'raise') {
      const { rule, site, deviceClass, device, part, group, shadow = false, raisedAt } = transition;
      const who = { alarm, rule, site, deviceClass, device, part, group, shadow };
      this.#active.set(alarm, { ...who, raisedAt, clearedAt: undefined, peak: severity, calls: [at] });
      return;
    }
    const activation = this.#active.get(alarm);
    if (activation === undefined) return;
    if (kind === 'clear') {
      activation.clearedAt = at;
      this.#active.delete(alarm);
      if (at >= this.#from) this.#over.push(activation);
    } else {
      if (transition.from !== undefined && isWorse(severity, transition.from)) activation.calls.push(at);
      if (isWorse(severity, activation.peak)) activation.peak = severity;
    }
  }

  /** All that were active at any time of the period, in the order in which they were raised. */
  all(): readonly Activation[] {
    return [...this.#over, ...this.#active.values()].sort(
      (a, b) => a.raisedAt - b.raisedAt || (a.alarm < b.alarm ? -1 : 1),
    );
  }
}

/** Whom it is about: the same for every alarm of a rule about the same device, part or group. */
export function subjectOf({ site, device, part, group }: Activation): string {
  if (group?.kind === 'district') return `district ${group.id}`;
  if (group !== undefined) return group.kind === 'site' ? site : `${site} ${group.kind} ${group.id}`;
  return part === undefined ? (device ?? '') : `${device ?? ''}/${part}`;
}

/** Where it is: the site; of a district, which reaches over many, its name. */
export function placeOf({ site, group }: Activation): string {
  return group?.kind === 'district' ? `district ${group.id}` : site;
}
