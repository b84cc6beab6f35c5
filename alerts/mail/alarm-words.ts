import { deviceClassWords } from '../../devices/device-class.js';
import { districtWords, parseDistrict } from '../../devices/district.js';
import { unassigned } from '../../devices/site.js';
import { isWorse } from '../../rules/alarm.js';
import type { Bilingual, OutboxEntry, Severity, Transition } from '../../rules/alarm.js';
import { formatDuration, formatMoment } from './time-words.js';
import type { Language } from './time-words.js';
import { wordEnding } from './ending-words.js';
import { oppositeOf } from './condition-words.js';
import { explainCondition, explainValue } from './value-words.js';
import type { Fact } from './value-words.js';

/** X.733 severities as Chinese network management names them. */
const severityWords: Readonly<Record<Severity, Bilingual>> = {
  critical: { zh: '紧急', en: 'Critical' },
  major: { zh: '重要', en: 'Major' },
  minor: { zh: '次要', en: 'Minor' },
  warning: { zh: '提示', en: 'Warning' },
};

/** What the mail says beyond the alarm itself. */
export interface Surroundings {
  /** The site's name where the registry has one. */
  readonly siteName?: string | undefined;
  readonly timeZone: string;
  readonly simulatedClock: boolean;
  /** How late the mail is, wall ms; told when it is more than half an hour. */
  readonly delayMs: number;
}

/** All that a mail says in one language, before it becomes plain text or HTML. */
export interface Wording {
  readonly language: Language;
  /** `重要告警`, `已恢复`. */
  readonly badge: string;
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly adviceHeading: string;
  readonly advice: string;
  /** What the reader must know about the mail itself. */
  readonly notes: readonly string[];
  /** For whoever looks into it: the rule and the alarm's id. */
  readonly reference: string;
}

const lateFromMs = 30 * 60_000;

/** Says what is wrong, where, since when, by which values and what to do; or that it is over. */
export function wordAlarm(entry: OutboxEntry, surroundings: Surroundings, language: Language): Wording {
  const { transition, alarm } = entry;
  const say = (zh: string, en: string) => (language === 'zh' ? zh : en);
  const moment = (at: number) => formatMoment(at, surroundings.timeZone, language);
  const severity = severityWords[transition.severity][language];
  const raised = transition.kind !== 'clear';
  const ending = wordEnding(transition, language);
  const { deviceClass, named } = transition;
  const values = Object.entries(transition.evidence)
    .filter(([term, value]) => isWorthTelling(term, value))
    .map(([term, value]) => explainValue(deviceClass, term, value, language, named));
  // Of what ended by circumstances alone, what the alarm was about.
  const alarmed = transition.ending === undefined ? undefined : oppositeOf(transition.condition);
  const clause = explainCondition(deviceClass, alarmed ?? transition.condition, language, named);
  const holdMs = alarmed === undefined ? transition.holdMs : undefined;
  const hold = formatDuration(holdMs ?? 0, language);
  const condition = holdMs === undefined ? clause : say(`${clause}，持续 ${hold}`, `${clause}, for ${hold}`);
  const since: Fact[] = raised
    ? [{ label: say('开始时间', 'Since'), value: moment(transition.raisedAt) }]
    : [
        {
          label: say('持续时间', 'Lasted'),
          value: formatDuration(transition.at - transition.raisedAt, language),
        },
        { label: say('开始时间', 'From'), value: moment(transition.raisedAt) },
        {
          label: ending?.untilLabel ?? say('恢复时间', 'Until'),
          value: moment(transition.at),
        },
      ];
  const isAlarmCondition = raised || transition.reason !== undefined || alarmed !== undefined;
  const conditionLabel = isAlarmCondition
    ? say('告警条件', 'Alarm condition')
    : say('恢复条件', 'Clear condition');
  const { explanation } = transition;
  const meaning: Fact[] =
    raised && explanation !== undefined
      ? [{ label: say('说明', 'What this means'), value: explanation[language] }]
      : [];
  const part =
    transition.part === undefined ? '' : say(`，部件 ${transition.part}`, `, part ${transition.part}`);
  return {
    language,
    badge: raised ? badgeOf(transition, severity, say) : (ending?.badge ?? say('已恢复', 'Cleared')),
    title: transition.title[language],
    facts: [
      { label: say('地点', 'Where'), value: placeOf(entry, surroundings.siteName, language).join(' · ') },
      {
        label: transition.group === undefined ? say('设备', 'Device') : say('范围', 'About'),
        value:
          `${deviceClassWords[transition.deviceClass][language]} ${subjectIn(transition, say)}${part}`.replace(
            ' （',
            '（',
          ),
      },
      ...since,
      ...values.map(({ label, value }) =>
        raised ? { label, value } : { label: say(`现在的${label}`, `${label} now`), value },
      ),
      { label: conditionLabel, value: condition },
      ...meaning,
    ],
    adviceHeading: say('怎么办', 'What to do'),
    advice: raised
      ? transition.advice[language]
      : (ending?.advice ??
        say('情况已恢复正常，无需再处理。', 'It is back to normal; there is nothing left to do.')),
    notes: notesOf(surroundings, say, language),
    reference: say(
      `规则 ${transition.rule}（版本 ${transition.ruleVersion}） · 告警编号 ${alarm.id}`,
      `Rule ${transition.rule} (version ${transition.ruleVersion}) · alarm ${alarm.id}`,
    ),
  };
}

/** The part is named beside the device; that no work is announced and no other alarm is active goes without saying. */
function isWorthTelling(term: string, value: number | string): boolean {
  if (term === 'part') return false;
  return value !== 0 || !(term === 'maintenance' || term.startsWith('active('));
}

function badgeOf(
  { from, severity }: Transition,
  word: string,
  say: (zh: string, en: string) => string,
): string {
  if (from === undefined) return say(`${word}告警`, `${word} alarm`);
  return isWorse(severity, from)
    ? say(`升级为${word}告警`, `Now ${word.toLowerCase()}`)
    : say(`降级为${word}告警`, `Down to ${word.toLowerCase()}`);
}

/** The device, or the group of devices, that an alarm is about. */
function subjectIn({ device, group }: Transition, say: (zh: string, en: string) => string): string {
  if (group === undefined) return device ?? '';
  return {
    room: say(`（${group.id} 房间）`, `devices of room ${group.id}`),
    floor: say(`（${group.id} 楼）`, `devices of floor ${group.id}`),
    parent: say(`（经由 ${group.id}）`, `devices behind ${group.id}`),
    site: say('（全校）', 'devices of the site'),
    district: say('（全区）', 'devices of the district'),
  }[group.kind];
}

/** One line for the list of mails: severity, where, what; Chinese first. */
export function subjectOf(entry: OutboxEntry, surroundings: Surroundings): string {
  const { transition, alarm } = entry;
  const words = severityWords[transition.severity];
  const raised = transition.kind !== 'clear';
  const ending = {
    zh: wordEnding(transition, 'zh')?.badge ?? '已恢复',
    en: wordEnding(transition, 'en')?.badge ?? 'Cleared',
  };
  // The short form of the body's place: in a list of mails the school's name is enough.
  const site = surroundings.siteName ?? alarm.site;
  const where = [areaOf(alarm.district, 'zh'), site, alarm.room].filter((level) => level !== unassigned);
  const subject = [
    surroundings.simulatedClock ? '【模拟】' : '',
    raised ? `【${badgeOf(transition, words.zh, (zh) => zh)}】` : `【${ending.zh}】`,
    `${where.join(' · ')} — ${transition.title.zh}`,
    ` | ${raised ? (transition.from === undefined ? words.en : badgeOf(transition, words.en, (_, en) => en)) : ending.en}: ${transition.title.en}`,
  ].join('');
  // A name out of the registry may hold a line break; in a header it must not.
  return subject.replace(/\s+/g, ' ');
}

function placeOf({ alarm }: OutboxEntry, siteName: string | undefined, language: Language): string[] {
  const named = language === 'zh' ? `${siteName}（${alarm.site}）` : `${siteName} (${alarm.site})`;
  const place = siteName === undefined ? alarm.site : named;
  return [areaOf(alarm.district, language), place, alarm.room].filter((level) => level !== unassigned);
}

/** The district's name; what is no district of the city, as it stands. */
function areaOf(text: string, language: Language): string {
  const district = parseDistrict(text);
  return district === undefined ? text : districtWords[district][language];
}

function notesOf(
  surroundings: Surroundings,
  say: (zh: string, en: string) => string,
  language: Language,
): readonly string[] {
  const notes: string[] = [];
  if (surroundings.simulatedClock) {
    notes.push(
      say(
        '模拟时钟：这是演示或演练，邮件中的时间不是真实时间，请勿据此处置。',
        'Simulated clock: this is a demonstration or drill. The times are not real; do not act on it.',
      ),
    );
  }
  if (surroundings.delayMs > lateFromMs) {
    const delay = formatDuration(surroundings.delayMs, language);
    notes.push(
      say(
        `这封邮件晚了 ${delay}送出，现在的情况可能已不同。`,
        `This mail is ${delay} late; things may have changed since.`,
      ),
    );
  }
  return notes;
}
