import type { DeviceClass } from '../../devices/device-class.js';
import type { Bilingual } from '../../rules/alarm.js';
import { wordCel } from './condition-words.js';
import { formatMeasured, plain } from './measure.js';
import type { Language } from './time-words.js';

/** One fact of a mail: what it is and what it says. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** A value that decided, in words: `mean(co2_ppm, "5m")` 1623.4 → `二氧化碳（5 分钟平均）`, `1,623.4 ppm`. */
export function explainValue(
  deviceClass: DeviceClass,
  term: string,
  value: number | string,
  language: Language,
  named?: Titles,
): Fact {
  if (term === 'devices')
    return { label: pickDevices[language], value: countDevices(String(value), language) };
  if (term === 'maintenance') return wordMaintenance(value, language);
  const reader = { deviceClass, language, named };
  const { text: label, measure } = wordCel(term, reader) ?? { text: term, measure: plain };
  return { label: capitalize(label), value: formatMeasured(value, measure, language) };
}

/** A rule's condition in words: `mean(co2_ppm, "5m") >= 1500` → `二氧化碳（5 分钟平均） ≥ 1,500 ppm`. */
export function explainCondition(
  deviceClass: DeviceClass,
  condition: string,
  language: Language,
  named?: Titles,
): string {
  return capitalize(explainClause(deviceClass, condition, language, named));
}

/** The same within a sentence. */
export function explainClause(
  deviceClass: DeviceClass,
  clause: string,
  language: Language,
  named?: Titles,
): string {
  return wordCel(clause, { deviceClass, language, named })?.text ?? clause;
}

/** The titles of rules by their ids. */
type Titles = Readonly<Record<string, Bilingual>> | undefined;

function wordMaintenance(value: number | string, language: Language): Fact {
  return language === 'zh'
    ? { label: '检修', value: value === 1 ? '已登记' : '无' }
    : { label: 'Maintenance', value: value === 1 ? 'announced' : 'none' };
}

const pickDevices = { zh: '涉及设备', en: 'Devices' } as const;

/** The devices of a group as the engine names them, such as `ap-1, ap-7 +22`, and how many they are. */
function countDevices(named: string, language: Language): string {
  const [, ids = '', more = '0'] = /^(.*?)(?: \+(\d+))?$/.exec(named) ?? [];
  const examples = ids.split(', ');
  const count = examples.length + Number(more);
  if (language === 'zh') return `${examples.join('、')}${more === '0' ? '，共' : ' 等，共'} ${count} 台`;
  return `${examples.join(', ')}${more === '0' ? '' : ` and ${more} more`} (${count} in all)`;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
