import type { EndingReason } from '../alarm.js';
import { activationOf } from './activations.js';
import type { Activated } from './activations.js';
import { alarmId } from './alarm-id.js';
import type { AlarmState } from './alarm-state.js';
import type { BoundRule } from './program.js';

/** An alarm that is active. */
export interface ActiveAlarm {
  /** `Transition.alarm` */
  readonly alarm: string;
  /** Its rule is tried out. */
  readonly shadow: boolean;
}

/** An alarm that nobody watches any more. */
export interface AbandonedAlarm extends ActiveAlarm {
  readonly reason: EndingReason;
}

/** A device, a part or a group, with its alarms by the places of their rules. */
export interface Alarmed extends Activated {
  readonly alarms: readonly (AlarmState | undefined)[];
}

/** The active alarms of a device, a part or a group. @param subject what stands for it in ids */
export function* activeAlarms(
  own: Alarmed,
  rules: readonly BoundRule[],
  subject: string,
  part: string | undefined,
): Generator<ActiveAlarm & { readonly rule: string; readonly raisedAt: number }> {
  for (const [place, state] of own.alarms.entries()) {
    const rule = rules[place]?.rule;
    if (rule === undefined || state === undefined || state.level < 0) continue;
    const { raisedAt } = state;
    const alarm = alarmId(rule.id, subject, part, raisedAt, activationOf(own, rule.id));
    yield { alarm, shadow: rule.mode === 'shadow', rule: rule.id, raisedAt };
  }
}
