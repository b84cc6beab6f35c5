import { deviceClasses, deviceClassWords } from '../../devices/device-class.js';
import type { OutboxEntry, Transition } from '../../rules/alarm.js';
import type { Incident, IncidentNotice } from '../incidents/incident.js';
import { subjectOf as alarmSubject, wordAlarm } from './alarm-words.js';
import type { Surroundings, Wording } from './alarm-words.js';
import type { Language } from './time-words.js';
import type { Fact } from './value-words.js';

type Say = (zh: string, en: string) => string;

/** Says what the cause is and what follows from it, that it became worse, belongs to another incident, or is over. */
export function wordIncident(
  notice: IncidentNotice,
  surroundings: Surroundings,
  language: Language,
): Wording {
  const say: Say = (zh, en) => (language === 'zh' ? zh : en);
  const wording = wordAlarm(entryOf(notice), surroundings, language);
  const { incident } = notice;
  const [where, about, ...facts] = wording.facts;
  const head = [where, about].filter((fact) => fact !== undefined);
  return {
    ...wording,
    ...endingOf(notice, say, language),
    facts: [...head, ...extentOf(incident, say), ...facts, ...movedOf(notice, say)],
    reference: say(
      `事件 ${incident.id} · ${wording.reference}`,
      `Incident ${incident.id} · ${wording.reference.replace('Rule', 'rule')}`,
    ),
  };
}

/** One line for the list of mails: severity, where, what; Chinese first. */
export function subjectOf(notice: IncidentNotice, surroundings: Surroundings): string {
  const { incident } = notice;
  const subject = alarmSubject(entryOf(notice), surroundings);
  const words = (language: Language) => {
    const say: Say = (zh, en) => (language === 'zh' ? zh : en);
    return endingOf(notice, say, language)?.badge;
  };
  const badge = words('zh');
  const named = badge === undefined ? subject : subject.replace(/^(【模拟】)?【[^】]*】/, `$1【${badge}】`);
  const others = incident.alarms - 1;
  return others === 0 ? named : `${named} (+${others})`;
}

/** How many devices of which kind are hit and where, where it is more than one alarm. */
function extentOf(incident: Incident, say: Say): Fact[] {
  const { alarms, classes, rooms, sites, examples, cause, activations, chattering } = incident;
  const often: Fact[] = chattering
    ? [
        {
          label: say('反复出现', 'Comes and goes'),
          value: say(
            `${activations} 次；停止反复之前只发这一封`,
            `${activations} times; until it stops this is the only mail`,
          ),
        },
      ]
    : [];
  if (alarms === 1) return often;
  const devices = deviceClasses.flatMap((each) => {
    const count = classes[each];
    return count === undefined
      ? []
      : [say(`${deviceClassWords[each].zh} ${count} 台`, `${count} × ${deviceClassWords[each].en}`)];
  });
  const places = [
    ...(sites > 1 ? [say(`${sites} 个站点`, `${sites} sites`)] : []),
    ...(rooms > 1 ? [say(`${rooms} 个房间`, `${rooms} rooms`)] : []),
  ];
  const comma = say('，', ', ');
  const label = {
    alarm: say('由此引起', 'Explains'),
    alike: say('同类告警', 'Alike'),
    common: say('一并未恢复', 'Not recovered together'),
  }[cause];
  const count = say(`共 ${alarms} 条告警`, `${alarms} alarms in all`);
  const names =
    examples.length === 0 ? [] : [say(`如 ${examples.join('、')}`, `such as ${examples.join(', ')}`)];
  return [{ label, value: [count, ...devices, ...places, ...names].join(comma) }, ...often];
}

function movedOf({ movedTo }: IncidentNotice, say: Say): Fact[] {
  return movedTo === undefined
    ? []
    : [
        {
          label: say('仍未恢复的', 'What did not recover'),
          value: say(`另见事件 ${movedTo.join('、')}`, `see incident ${movedTo.join(', ')}`),
        },
      ];
}

/** What replaces the badge and the advice of the root's own alarm. */
function endingOf(
  { kind, incident, into }: IncidentNotice,
  say: Say,
  language: Language,
): Pick<Wording, 'badge' | 'advice'> | undefined {
  if (kind === 'merged' && into !== undefined) {
    return {
      badge: say('已并入', 'Part of another incident'),
      advice: say(
        `原因已查明：${into.root.title[language]}（事件 ${into.id}）。后续情况请看该事件的邮件，无需单独处理。`,
        `Its cause is known: ${into.root.title[language]} (incident ${into.id}). See the mails of that incident; there is nothing to do here.`,
      ),
    };
  }
  if (kind !== 'closed' || incident.root.state === 'cleared') return undefined;
  return {
    badge: say('已搁置', 'Held back'),
    advice: say(
      '告警已被搁置、停用或处于维护窗口；到期后如仍存在会重新告警。',
      'It was shelved, taken out of service or is under maintenance; if it is still there afterwards it alarms again.',
    ),
  };
}

/** The root as a transition: what the wording of alarms is about. */
function entryOf({ id, kind, at, incident, from }: IncidentNotice): OutboxEntry {
  const { root, severity } = incident;
  const alarm = { ...root, history: [] };
  const isOver = kind === 'closed' && root.state === 'cleared';
  const transition: Transition = {
    ...root,
    id,
    alarm: root.id,
    kind: isOver ? 'clear' : kind === 'worse' ? 'change' : 'raise',
    at: isOver ? (root.clearedAt ?? at) : at,
    severity: isOver ? root.severity : severity,
    ...(kind === 'worse' ? { from } : {}),
  };
  return { transition, alarm };
}
