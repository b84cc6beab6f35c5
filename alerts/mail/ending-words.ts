import { parse } from '@marcbachmann/cel-js';
import type { Bilingual, EndingReason, Transition } from '../../rules/alarm.js';
import type { Language } from './time-words.js';
import { explainClause, explainValue } from './value-words.js';

/** What is said of an alarm that is over although nobody knows whether the fault is. */
export interface EndingWords {
  readonly badge: string;
  readonly advice: string;
  /** What the time is called at which it ended. */
  readonly untilLabel: string;
}

type Say = (zh: string, en: string) => string;

const reasonWords: Readonly<Record<EndingReason, { readonly badge: Bilingual; readonly advice: Bilingual }>> =
  {
    rule_removed: {
      badge: { zh: '规则已移除', en: 'Rule removed' },
      advice: {
        zh: '该告警的规则已移除或更名，告警因此结束；情况是否恢复正常未知，请现场确认。',
        en: 'The rule of this alarm was removed or renamed, so the alarm ends; whether things are back to normal is not known: please look.',
      },
    },
    rule_changed: {
      badge: { zh: '规则已修改', en: 'Rule changed' },
      advice: {
        zh: '该告警的规则已修改，告警因此结束；如情况仍在，会按新规则重新告警。',
        en: 'The rule of this alarm was changed, so the alarm ends; if the fault is still there, the new rule raises it again.',
      },
    },
    rule_off: {
      badge: { zh: '规则已停用', en: 'Rule switched off' },
      advice: {
        zh: '该告警的规则已停用{by}，告警因此结束，也不会再告警；情况是否恢复正常未知，如有需要请现场确认。',
        en: 'The rule of this alarm was switched off{by}, so the alarm ends and does not come again; whether things are back to normal is not known: look if it matters.',
      },
    },
    rule_shadow: {
      badge: { zh: '规则改为试运行', en: 'Rule on trial' },
      advice: {
        zh: '该告警的规则已改为试运行{by}：只记录，不再通知，告警因此结束；情况是否恢复正常未知，如有需要请现场确认。',
        en: 'The rule of this alarm is only tried out from now on{by}: it is recorded and nobody is told, so the alarm ends; whether things are back to normal is not known: look if it matters.',
      },
    },
    no_data: {
      badge: { zh: '数据已中断', en: 'No data any more' },
      advice: {
        zh: '设备仍在上报，但该告警所依据的数据已不再上报，告警因此结束；情况是否恢复正常未知，请检查该传感器或部件。',
        en: 'The device still reports, but no longer what this alarm looks at, so the alarm ends; whether things are back to normal is not known: please check that sensor or part.',
      },
    },
    not_confirmed: {
      badge: { zh: '重启后未再确认', en: 'Not confirmed after a restart' },
      advice: {
        zh: '服务重启并重新核算后，未再发现该告警的依据，告警因此结束；情况是否恢复正常未知，如情况仍在，会按规则重新告警。',
        en: 'The service was restarted and judged anew, and nothing was found of this alarm, so it ends; whether things are back to normal is not known: if the fault is still there, the rule raises it again.',
      },
    },
    device_changed: {
      badge: { zh: '设备类型已变更', en: 'Device class changed' },
      advice: {
        zh: '该设备改为以其他类型上报，告警因此结束；请核对登记表。',
        en: 'The device reports as another class now, so the alarm ends; please check the registry.',
      },
    },
    device_removed: {
      badge: { zh: '设备已移除', en: 'Device removed' },
      advice: {
        zh: '该设备已从登记表中移除或迁往其他站点，告警因此结束，无需再处理。',
        en: 'The device was removed from the registry or moved to another site, so the alarm ends; there is nothing left to do.',
      },
    },
  };

/** What is said of it where it did not end because things are well again; else undefined. */
export function wordEnding(transition: Transition, language: Language): EndingWords | undefined {
  const { kind, reason, ending, advice } = transition;
  if (kind !== 'clear') return undefined;
  const say: Say = (zh, en) => (language === 'zh' ? zh : en);
  if (reason !== undefined) {
    const { badge, advice: told } = reasonWords[reason];
    return {
      badge: badge[language],
      advice: told[language].replace('{by}', decidedBy(transition, say)),
      untilLabel: say('停止监测', 'Watched until'),
    };
  }
  if (ending?.kind === 'moment')
    return {
      badge: say('事件已过', 'Event over'),
      advice: say(
        `事件本身已过去，但这不代表已无影响，请仍去查看。${advice.zh}`,
        `The event is over, which does not mean that it did no harm; please look all the same. ${advice.en}`,
      ),
      untilLabel: say('事件已过', 'Over by'),
    };
  if (ending === undefined) return undefined;
  const because = endingCauses(transition, language).join(say('，且', ', and '));
  return {
    badge: say('告警结束', 'Ended'),
    advice: say(
      `告警因${because}而结束，这不代表情况已恢复正常，请看上面的当前值；告警条件再次满足时会重新告警。`,
      `The alarm ended because ${because}. That does not mean that things are back to normal: see the values above. It is raised again when its condition holds again.`,
    ),
    untilLabel: say('结束时间', 'Ended'),
  };
}

/** The circumstances that an alarm ended by, each as the end of a sentence: `work on it was announced`. */
export function endingCauses(
  { ending, evidence, named, deviceClass }: Pick<Transition, 'ending' | 'evidence' | 'named' | 'deviceClass'>,
  language: Language,
): string[] {
  const say: Say = (zh, en) => (language === 'zh' ? zh : en);
  const value = (name: string) => explainValue(deviceClass, name, evidence[name] ?? '', language).value;
  return (ending?.clauses ?? []).map((clause) => {
    const isOpposite = clause.startsWith('!');
    const said = isOpposite ? clause.slice(1) : clause;
    if (said === 'maintenance')
      return isOpposite
        ? say('检修已结束', 'the maintenance is over')
        : say('已登记检修', 'maintenance was announced');
    const rule = ruleIn(said);
    if (rule !== undefined) {
      const title = named?.[rule]?.[language] ?? rule;
      return isOpposite
        ? say(`“${title}”告警已结束`, `the alarm "${title}" is over`)
        : say(`“${title}”告警已发生`, `the alarm "${title}" has come`);
    }
    if (/\bphase\b/.test(said) && evidence['phase'] !== undefined)
      return say(`作息时段已是“${value('phase')}”`, `it is "${value('phase')}" by the timetable now`);
    if (/\bpresence\b/.test(said) && evidence['presence'] !== undefined)
      return say(`设备状态已是“${value('presence')}”`, `the device is "${value('presence')}" now`);
    return say(
      `现在${explainClause(deviceClass, clause, language)}`,
      explainClause(deviceClass, clause, language),
    );
  });
}

/** The rule of `active("…")`. */
function ruleIn(clause: string): string | undefined {
  const { ast } = parse(clause);
  if (ast.op !== 'call' || ast.args[0] !== 'active') return undefined;
  const [rule] = ast.args[1];
  return rule?.op === 'value' && typeof rule.args === 'string' ? rule.args : undefined;
}

function decidedBy({ by }: Transition, say: Say): string {
  if (by === undefined) return say('（按规则文件）', ' by its file');
  const who = by.replace(/^cli:/, '');
  return say(`（由 ${who} 决定）`, ` by ${who}`);
}
