import type { Bilingual } from '../../rules/alarm.js';

/** A language that mails are written in. */
export type Language = keyof Bilingual;

const locales: Bilingual = { zh: 'zh-CN', en: 'en-GB' };

/** A moment as staff read it: date, weekday, time to the minute and whose time that is. */
export function formatMoment(at: number, timeZone: string, language: Language): string {
  const format = new Intl.DateTimeFormat(locales[language], {
    timeZone,
    year: 'numeric',
    month: language === 'zh' ? 'numeric' : 'short',
    day: 'numeric',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const part = (type: Intl.DateTimeFormatPartTypes) => partOf(format.formatToParts(at), type);
  const time = `${part('hour')}:${part('minute')}`;
  return language === 'zh'
    ? `${part('year')}年${part('month')}月${part('day')}日（${part('weekday')}）${time}（${zoneName(timeZone, 'zh')}）`
    : `${part('weekday')}, ${part('day')} ${part('month')} ${part('year')}, ${time} (${zoneName(timeZone, 'en')})`;
}

function partOf(parts: readonly Intl.DateTimeFormatPart[], type: Intl.DateTimeFormatPartTypes): string {
  return parts.find((part) => part.type === type)?.value ?? '';
}

function zoneName(timeZone: string, language: Language): string {
  if (timeZone !== 'Asia/Shanghai') return timeZone;
  return language === 'zh' ? '北京时间' : 'Beijing time';
}

const units = [
  { ms: 86_400_000, zh: '天', en: 'd' },
  { ms: 3_600_000, zh: '小时', en: 'h' },
  { ms: 60_000, zh: '分钟', en: 'min' },
  { ms: 1000, zh: '秒', en: 's' },
] as const;

/** A span of time in its two largest units, `1 小时 5 分钟` or `1 h 5 min`; less than a second is 0 s. */
export function formatDuration(durationMs: number, language: Language): string {
  const wholeMs = Math.max(0, durationMs);
  const first = units.findIndex((unit) => wholeMs >= unit.ms);
  if (first === -1) return `0 ${units[3][language]}`;
  const words: string[] = [];
  let restMs = wholeMs;
  for (const unit of units.slice(first, first + 2)) {
    const count = Math.floor(restMs / unit.ms);
    restMs -= count * unit.ms;
    if (count > 0) words.push(`${count} ${unit[language]}`);
  }
  return words.join(' ');
}
