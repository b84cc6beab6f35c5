import type { Metric } from '../../devices/metric.js';
import { presenceWords } from '../../devices/presence.js';
import { roomKindWords } from '../../devices/room.js';
import { schoolStageWords } from '../../devices/site.js';
import type { Bilingual } from '../../rules/alarm.js';
import { formatDuration } from './time-words.js';
import type { Language } from './time-words.js';

/** How a value is said: with its unit, as a span of time, a share, yes or no, or one of some words. */
export type Measure =
  | { readonly kind: 'number'; readonly unit: string }
  | { readonly kind: 'seconds' | 'share' | 'yes-no' | 'spreads' }
  | { readonly kind: 'words'; readonly words: Readonly<Record<string, Bilingual>> };

export const plain: Measure = { kind: 'number', unit: '' };

const powerWords: Readonly<Record<string, Bilingual>> = {
  on: { zh: '开机', en: 'on' },
  ready: { zh: '就绪', en: 'ready' },
  standby: { zh: '待机', en: 'standby' },
  powersave: { zh: '节能', en: 'powersave' },
  updating: { zh: '升级中', en: 'updating' },
  off: { zh: '关机', en: 'off' },
};

const phaseWords: Readonly<Record<string, Bilingual>> = {
  lesson: { zh: '上课', en: 'lesson' },
  break: { zh: '课间', en: 'break' },
  after_school: { zh: '放学后', en: 'after school' },
  night: { zh: '夜间', en: 'night' },
};

/** What conditions can look at that no device reports. */
export const contextWords: Readonly<Record<string, Bilingual & { readonly measure: Measure }>> = {
  silence_s: { zh: '无数据时长', en: 'Time without data', measure: { kind: 'seconds' } },
  interval_s: { zh: '上报间隔', en: 'Reporting interval', measure: { kind: 'seconds' } },
  presence: { zh: '设备状态', en: 'Device state', measure: { kind: 'words', words: presenceWords } },
  phase: { zh: '作息时段', en: 'School hours', measure: { kind: 'words', words: phaseWords } },
  stage: { zh: '学段', en: 'School stage', measure: { kind: 'words', words: schoolStageWords } },
  contracted_mbps: { zh: '签约带宽', en: 'Contracted rate', measure: { kind: 'number', unit: 'Mbit/s' } },
  room_kind: { zh: '房间类型', en: 'Kind of room', measure: { kind: 'words', words: roomKindWords } },
  capacity: { zh: '座位数', en: 'Seats', measure: plain },
  model: { zh: '型号', en: 'Model', measure: plain },
  part: {
    zh: '部件',
    en: 'Part',
    measure: { kind: 'words', words: { '': { zh: '整台设备', en: 'the device as a whole' } } },
  },
};

/** Metrics that count seconds are said as spans of time, and so need no word about seconds. */
const secondsWords: Readonly<Record<string, Bilingual>> = {
  last_input_s: { zh: '距上次操作的时间', en: 'Time since last input' },
  ra_age_s: { zh: '距上次路由通告的时间', en: 'Time since router advertisement' },
  uptime_s: { zh: '运行时间', en: 'Uptime' },
};

/** What a metric is called. */
export function metricWords(name: string, metric: Metric): Bilingual {
  return secondsWords[name] ?? metric;
}

/** How the values of a metric are said. */
export function measureOfMetric(name: string, metric: Metric): Measure {
  if (name === 'power') return { kind: 'words', words: powerWords };
  if (metric.kind === 'word') return plain;
  if (Object.hasOwn(secondsWords, name)) return { kind: 'seconds' };
  // A metric of 0 to 1 without a unit answers a question, such as whether somebody is in the room.
  if (metric.max === 1 && metric.unit === '') return { kind: 'yes-no' };
  return { kind: 'number', unit: metric.unit };
}

/** A value as it is said: `1,623.4 ppm`, `15 分钟 30 秒`, `33 %`, `是`, `待机`. */
export function formatMeasured(value: number | string, measure: Measure, language: Language): string {
  if (typeof value === 'string')
    return measure.kind === 'words' ? (measure.words[value]?.[language] ?? value) : value;
  switch (measure.kind) {
    case 'seconds':
      return formatDuration(value * 1000, language);
    case 'share':
      return `${formatNumber(value * 100)} %`;
    case 'yes-no':
      if (value === 0 || value === 1) return answers[value][language];
      return formatNumber(value);
    case 'spreads':
      return `${formatNumber(value)} ${{ zh: '倍标准差', en: 'standard deviations' }[language]}`;
    case 'number':
      return measure.unit === '' ? formatNumber(value) : `${formatNumber(value)} ${measure.unit}`;
    case 'words':
      return formatNumber(value);
  }
}

const answers = [
  { zh: '否', en: 'no' },
  { zh: '是', en: 'yes' },
] as const;

function formatNumber(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 }).format(value);
}
