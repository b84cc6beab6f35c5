import type { DeviceClass } from '../../devices/device-class.js';
import { presenceWords } from '../../devices/presence.js';
import type { PresenceState } from '../../devices/presence.js';
import { metricsOf } from '../../devices/metric.js';
import type { Metric } from '../../devices/metric.js';
import type { Bilingual } from '../../rules/alarm.js';
import { parseDuration } from '../../rules/duration.js';
import { formatDuration } from './time-words.js';
import type { Language } from './time-words.js';

/** One fact of a mail: what it is and what it says. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

const functionWords: Readonly<Record<string, Bilingual>> = {
  mean: { zh: '平均', en: 'mean' },
  min: { zh: '最低', en: 'lowest' },
  max: { zh: '最高', en: 'highest' },
};

/** What a rule can look at that is no metric of the device; in seconds. */
const secondsWords: Readonly<Record<string, Bilingual>> = {
  silence_s: { zh: '无数据时长', en: 'Time without data' },
  interval_s: { zh: '正常上报间隔', en: 'Usual reporting interval' },
};

const presenceLabel: Bilingual = { zh: '设备状态', en: 'Presence' };

/** What a condition is joined with, as people write it. Order matters: `>=` before `=`. */
const operatorWords: readonly (readonly [operator: string, words: Bilingual])[] = [
  ['&&', { zh: '且', en: 'and' }],
  ['||', { zh: '或', en: 'or' }],
  ['>=', { zh: '≥', en: '≥' }],
  ['<=', { zh: '≤', en: '≤' }],
  ['!=', { zh: '≠', en: '≠' }],
  ['==', { zh: '=', en: '=' }],
  ['*', { zh: '×', en: '×' }],
  ['math.greatest(', { zh: '较大者 (', en: 'greatest of (' }],
  ['math.least(', { zh: '较小者 (', en: 'least of (' }],
];

/** `mean(co2_ppm, "5m")`: a function of a rule over one metric and a window. */
const callPattern = /\b([a-z_]+)\(\s*([a-z][a-z0-9_]*)\s*(?:,\s*["']?(\d+)([smhd])["']?\s*)?\)/;
/** A call as above, or any word that could be a metric. */
const termPattern = new RegExp(`${callPattern.source}|\\b[a-z][a-z0-9_]*\\b`, 'g');

/** A value that decided, in words: `mean(co2_ppm, "5m")` 1623.4 → `二氧化碳（5 分钟平均）`, `1,623.4 ppm`. */
export function explainValue(
  deviceClass: DeviceClass,
  term: string,
  value: number | string,
  language: Language,
): Fact {
  const seconds = secondsWords[term];
  if (seconds !== undefined && typeof value === 'number') {
    return { label: seconds[language], value: formatDuration(value * 1000, language) };
  }
  if (term === 'presence') {
    const label = presenceLabel[language];
    return { label, value: isPresenceState(value) ? presenceWords[value][language] : String(value) };
  }
  const { label, metric } = explainTerm(deviceClass, term, language);
  return { label, value: formatValue(value, metric, language) };
}

/** A rule's condition in words: `mean(co2_ppm, "5m") >= 1500` → `二氧化碳（5 分钟平均，ppm） ≥ 1500`. */
export function explainCondition(deviceClass: DeviceClass, condition: string, language: Language): string {
  let text = condition;
  for (const [operator, words] of operatorWords) text = text.replaceAll(operator, words[language]);
  const looksAtPresence = /\bpresence\b/.test(text);
  return text.replace(termPattern, (term) => {
    const seconds = secondsWords[term];
    if (seconds !== undefined)
      return `${seconds[language]}${bracketed([language === 'zh' ? '秒' : 's'], language)}`;
    if (term === 'presence') return presenceLabel[language];
    if (looksAtPresence && isPresenceState(term)) return presenceWords[term][language];
    return explainTerm(deviceClass, term, language, 'with unit').label;
  });
}

function explainTerm(
  deviceClass: DeviceClass,
  term: string,
  language: Language,
  unit?: 'with unit',
): { label: string; metric?: Metric } {
  const call = callPattern.exec(term);
  const metric = metricsOf[deviceClass][call?.[2] ?? term];
  if (metric === undefined) return { label: term };
  const remarks: string[] = [];
  if (call !== null) {
    const [, name = '', , count = '', unitLetter = ''] = call;
    const word = functionWords[name]?.[language] ?? name;
    const lengthMs = parseDuration(count + unitLetter);
    remarks.push(
      lengthMs === undefined
        ? word
        : `${formatDuration(lengthMs, language)}${language === 'en' ? ' ' : ''}${word}`,
    );
  }
  if (unit !== undefined && metric.kind === 'number' && metric.unit !== '') remarks.push(metric.unit);
  return { label: `${metric[language]}${bracketed(remarks, language)}`, metric };
}

function isPresenceState(value: number | string): value is PresenceState {
  return Object.hasOwn(presenceWords, value);
}

function bracketed(remarks: readonly string[], language: Language): string {
  if (remarks.length === 0) return '';
  return language === 'zh' ? `（${remarks.join('，')}）` : ` (${remarks.join(', ')})`;
}

function formatValue(value: number | string, metric: Metric | undefined, language: Language): string {
  if (typeof value === 'string') return value;
  const unit = metric?.kind === 'number' ? metric.unit : '';
  // A metric of 0 to 1 without a unit answers a question, such as whether somebody is in the room.
  if (metric?.kind === 'number' && metric.max === 1 && unit === '' && (value === 0 || value === 1)) {
    return value === 1 ? { zh: '是', en: 'yes' }[language] : { zh: '否', en: 'no' }[language];
  }
  const number = new Intl.NumberFormat('en', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 }).format(
    value,
  );
  return unit === '' ? number : `${number} ${unit}`;
}
