import { eventTypeWords } from '../devices/event-type.js';
import type { Bilingual } from './alarm.js';
import { contextMeanings } from './expression/context-names.js';
import { eventFunctions } from './expression/event-functions.js';
import type { FunctionSpec } from './expression/call.js';
import { functions } from './expression/functions.js';
import { groupFunctions } from './expression/group-functions.js';
import { sequenceFunctions } from './expression/sequence-functions.js';
import { valueFunctions } from './expression/value-functions.js';
import { windowFunctions } from './expression/window-functions.js';

/** Something that conditions can use, as it is written, and what it gives. */
export interface ReferenceEntry {
  readonly name: string;
  readonly usage: string;
  readonly gives: Bilingual;
}

/** Entries that belong together. */
interface ReferenceSection {
  readonly title: Bilingual;
  readonly entries: readonly ReferenceEntry[];
}

const entriesOf = (specs: Readonly<Record<string, FunctionSpec>>): readonly ReferenceEntry[] =>
  Object.entries(specs).map(([name, { usage, gives }]) => ({ name, usage, gives }));

const mathFunctions: readonly ReferenceEntry[] = [
  {
    name: 'math.greatest',
    usage: 'math.greatest(3 * interval_s, 300)',
    gives: { en: 'the greatest of several numbers', zh: '几个数中最大的' },
  },
  {
    name: 'math.least',
    usage: 'math.least(rx_mbps, tx_mbps)',
    gives: { en: 'the least of several numbers', zh: '几个数中最小的' },
  },
  {
    name: 'math.abs',
    usage: 'math.abs(step(temp_c))',
    gives: { en: 'a number without its sign', zh: '绝对值' },
  },
];

const grouped = [windowFunctions, valueFunctions, eventFunctions, sequenceFunctions, groupFunctions];
const others = Object.fromEntries(
  Object.entries(functions).filter(([name]) => !grouped.some((each) => Object.hasOwn(each, name))),
);

/** Everything that conditions can use beside the metrics of a class, from the tables that they are compiled by. */
export const ruleReference: readonly ReferenceSection[] = [
  { title: { en: 'Windows of event time', zh: '事件时间窗口' }, entries: entriesOf(windowFunctions) },
  { title: { en: 'Values, and what is usual', zh: '数值与通常值' }, entries: entriesOf(valueFunctions) },
  { title: { en: 'Events', zh: '事件' }, entries: entriesOf(eventFunctions) },
  { title: { en: 'Sequences', zh: '先后顺序' }, entries: entriesOf(sequenceFunctions) },
  { title: { en: 'Groups of devices', zh: '设备组' }, entries: entriesOf(groupFunctions) },
  { title: { en: 'Other functions', zh: '其他函数' }, entries: [...entriesOf(others), ...mathFunctions] },
  {
    title: { en: 'Names that are no metrics', zh: '不是指标的名称' },
    entries: contextMeanings.map(({ name, gives }) => ({ name, usage: name, gives })),
  },
  {
    title: { en: 'Types of events', zh: '事件类型' },
    entries: Object.entries(eventTypeWords).map(([name, { zh, en }]) => ({
      name,
      usage: `event("${name}")`,
      gives: { zh, en },
    })),
  },
];

const introduction: Bilingual = {
  en: `# What conditions can use

[中文](README.zh-CN.md) · [README](../README.md)

A condition is a [CEL](https://cel.dev) expression over the metrics of a class and what is listed here (\`campus rules functions\` prints it, too). Times are 10 seconds to 24 hours: \`"30s"\`, \`"10m"\`, \`"2h"\`. A window slides, unless \`"tumbling"\` stands behind its time: then it is the last whole stretch of the clock, such as the last full hour. What is missing is unknown, and an unknown condition changes nothing.

A metric by its bare name is what the device last reported of it, whichever message that came in; it is known for ten intervals of the device, and at least for an hour. Within \`share\`, \`then\`, \`not_then\` and \`seconds_since\` it is that of the one reading. A part that doesn't report a metric has its device's. A group counts a device when itself or any of its parts is in the condition, and no longer counts one that has reported nothing for three intervals, and at least a quarter of an hour; \`peer_median\` takes the mean of a device's parts where only these report.

Conditions at rest are judged with readings and events of the device. Once one holds, its alarm is also judged as time passes, so that hold times run on and windows empty between readings. An alarm ends as "no data" when the device goes on reporting, but for an hour, or ten intervals, nothing that the alarm looks at; while the device reports nothing at all its alarms stay, and its silence is an alarm of its own.
`,
  zh: `# 条件中可用的内容

[English](README.md) · [README](../README.zh-CN.md)

条件是 [CEL](https://cel.dev) 表达式，可用该类设备的指标和下列内容（\`campus rules functions\` 也会打印）。时间为 10 秒到 24 小时：\`"30s"\`、\`"10m"\`、\`"2h"\`。窗口默认滑动；时间后写 \`"tumbling"\` 时取时钟上最近一个完整的时段，如上一个整点小时。缺失的值是未知，条件未知时什么也不改变。

直接写指标名，取设备最近一次上报的值，不论在哪条消息里；十个上报间隔内（至少一小时）有效。在 \`share\`、\`then\`、\`not_then\`、\`seconds_since\` 里则只看当前这一条读数。部件自己不上报的指标取所属设备的值。设备本身或任一部件符合条件，就计入所在的组；超过三个间隔（至少一刻钟）没有上报的设备不再计入。只有部件上报的指标，\`peer_median\` 取该设备各部件的平均值。

未触发的条件随设备的读数和事件判断；一旦成立，也随时间推移判断：持续时间照常计时，窗口照常清空，不必等下一条读数。设备仍在上报、但告警所依据的数据超过一小时（或十个间隔）没有上报时，告警以“数据已中断”结束；设备完全没有上报时告警保留，由“无数据”规则另行告警。
`,
};

/** The reference as Markdown: `rules/README.md` (`en`) and `rules/README.zh-CN.md` (`zh`). */
export function formatRuleReference(language: keyof Bilingual): string {
  const head = language === 'en' ? '| in a condition | gives |' : '| 条件中的写法 | 含义 |';
  const sections = ruleReference.map(({ title, entries }) => {
    const rows = entries.map(
      ({ usage, gives }) => `| \`${usage.replaceAll('|', '\\|')}\` | ${gives[language]} |`,
    );
    return `## ${title[language]}\n\n${[head, '|---|---|', ...rows].join('\n')}\n`;
  });
  return [introduction[language], ...sections].join('\n').trimEnd();
}
