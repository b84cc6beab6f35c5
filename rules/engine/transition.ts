import { unassigned } from '../../devices/site.js';
import type { EndingReason, Transition } from '../alarm.js';
import type { Expression } from '../expression/expression.js';
import type { Sight } from '../expression/sight.js';
import { isWide } from '../group-kind.js';
import type { RuleStep } from '../rule.js';
import type { Activated } from './activations.js';
import { activationOf, noteEnd, noteRaise } from './activations.js';
import { alarmId } from './alarm-id.js';
import { endingOf } from './ending.js';
import type { AlarmState } from './alarm-state.js';
import type { BoundRule } from './program.js';
import type { DeviceState, GroupState } from './state.js';

/** What happened to an alarm. */
export interface Move {
  readonly kind: Transition['kind'];
  /** The alarm as it is after it, or was until it cleared. */
  readonly alarm: Readonly<AlarmState>;
  /** The step that was the most severe before. */
  readonly levelBefore: number;
  /** Why it was cleared, where that is not its clear condition. */
  readonly reason?: EndingReason | undefined;
  /** Where it went down: the mildest step that ended just now. */
  readonly ended?: number | undefined;
}

/** Devices of a group that are named as examples. */
const namedMembers = 5;

/** Notes and describes what happened to an alarm of a device or a part where the sight stands. */
export function deviceTransition(
  rule: BoundRule,
  move: Move,
  state: DeviceState,
  part: string | undefined,
  sight: Sight,
): Transition {
  const { device } = state;
  const subject = part === undefined ? state : (state.parts.get(part) ?? state);
  return {
    ...describe(rule, move, noteMove(subject, device.id, part, rule, move, sight), sight),
    site: device.site,
    deviceClass: device.deviceClass,
    device: device.id,
    ...(part === undefined ? {} : { part }),
  };
}

/** Notes and describes what happened to an alarm of a group. */
export function groupTransition(rule: BoundRule, move: Move, group: GroupState, sight: Sight): Transition {
  const { site, deviceClass, kind, id } = group.ref;
  const described = describe(rule, move, noteMove(group, group.subject, undefined, rule, move, sight), sight);
  const devices = move.kind === 'clear' ? '' : nameMembers(rule, group);
  return {
    ...described,
    evidence: devices === '' ? described.evidence : { ...described.evidence, devices },
    site: isWide(kind) ? unassigned : site,
    deviceClass,
    group: { kind, id },
  };
}

/** @returns the id of the activation, the same whenever the log is judged */
function noteMove(
  subject: Activated,
  name: string,
  part: string | undefined,
  { rule }: BoundRule,
  { kind, alarm: { raisedAt } }: Move,
  { at }: Sight,
): string {
  if (kind === 'raise') noteRaise(subject, rule.id, at);
  const id = alarmId(rule.id, name, part, raisedAt, activationOf(subject, rule.id));
  if (kind === 'clear') noteEnd(subject, rule.id, raisedAt, at);
  return id;
}

type Described = Omit<Transition, 'site' | 'deviceClass' | 'device' | 'part' | 'group'>;

function describe(
  { rule, steps, named }: BoundRule,
  { kind, alarm: { level, raisedAt, revision }, levelBefore, ended = levelBefore, reason }: Move,
  alarm: string,
  sight: Sight,
): Described {
  const isDown = level < levelBefore;
  // Who comes down over several steps at once is below the limit of the mildest of them.
  const step = steps[isDown ? ended : level] as RuleStep<Expression>;
  const expression = isDown ? step.clear : step.condition;
  const holdMs = isDown ? step.clearHoldMs : step.holdMs;
  const severity = (steps[level] ?? steps[levelBefore] ?? step).severity;
  const ending = kind === 'clear' && reason === undefined ? endingOf(step, sight) : undefined;
  const from = kind === 'change' ? steps[levelBefore]?.severity : undefined;
  return {
    id: `${alarm}~${kind === 'change' ? `change-${revision}` : kind}`,
    alarm,
    kind,
    revision,
    at: sight.at,
    raisedAt,
    rule: rule.id,
    ruleVersion: rule.version,
    severity,
    ...(from === undefined ? {} : { from }),
    title: rule.title,
    ...(rule.explanation === undefined ? {} : { explanation: rule.explanation }),
    advice: rule.advice,
    condition: expression.text,
    ...(holdMs > 0 ? { holdMs } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(ending === undefined ? {} : { ending }),
    evidence: expression.evidence(sight),
    ...(named === undefined ? {} : { named }),
    ...rule.causality,
    ...(rule.mode === 'shadow' ? { shadow: true } : {}),
  };
}

/** Some of the devices that are in what the rule counts, such as `ap-1, ap-7 +22`. */
function nameMembers({ steps }: BoundRule, { members }: GroupState): string {
  const traits = new Set(steps.flatMap(({ condition }) => condition.traits));
  const found = [...members]
    .filter(({ traits: own }) => [...traits].some((place) => own[place] === true))
    .map(({ device }) => device.id)
    .sort();
  const more = found.length > namedMembers ? ` +${found.length - namedMembers}` : '';
  return found.slice(0, namedMembers).join(', ') + more;
}
