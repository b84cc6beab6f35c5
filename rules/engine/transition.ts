import type { Transition } from '../alarm.js';
import type { Sight } from '../expression/sight.js';
import type { CompiledRule } from '../rule.js';
import { alarmId } from './alarm-id.js';
import type { DeviceRef } from './device-state.js';

/** Describes what happened to an alarm where the sight stands, with its deterministic ids. */
export function createTransition(
  rule: CompiledRule,
  kind: 'raise' | 'clear',
  device: DeviceRef,
  part: string | undefined,
  raisedAt: number,
  sight: Sight,
): Transition {
  const alarm = alarmId(rule.id, device.id, part, raisedAt);
  const expression = kind === 'raise' ? rule.condition : rule.clear;
  const holdMs = kind === 'raise' ? rule.holdMs : rule.clearHoldMs;
  return {
    id: `${alarm}~${kind}`,
    alarm,
    kind,
    at: sight.at,
    raisedAt,
    rule: rule.id,
    ruleVersion: rule.version,
    severity: rule.severity,
    title: rule.title,
    advice: rule.advice,
    condition: expression.text,
    ...(holdMs > 0 ? { holdMs } : {}),
    evidence: expression.evidence(sight),
    site: device.site,
    deviceClass: device.deviceClass,
    device: device.id,
    ...(part === undefined ? {} : { part }),
  };
}
