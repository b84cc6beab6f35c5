import { parse } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../../devices/device-class.js';
import { eventTypeWords } from '../../devices/event-type.js';
import { metricsOf } from '../../devices/metric.js';
import type { Bilingual } from '../../rules/alarm.js';
import { parseDuration } from '../../rules/duration.js';
import { medianWords, metricFunctionWords, peerWords } from './function-words.js';
import { contextWords, formatMeasured, measureOfMetric, metricWords, plain } from './measure.js';
import type { Measure } from './measure.js';
import { formatDuration } from './time-words.js';
import type { Language } from './time-words.js';

/** A part of a condition in words, and how what it gives is measured. */
interface Phrase {
  readonly text: string;
  readonly measure: Measure;
  /** How loosely it holds together: what is looser than its surroundings goes into brackets. */
  readonly looseness: number;
}

const looseness = { word: 0, product: 1, sum: 2, comparison: 3, and: 4, or: 5 } as const;

/** What the parts of a condition are worded for. */
export interface Reader {
  readonly deviceClass: DeviceClass;
  readonly language: Language;
  /** The titles of the rules that it refers to, by their ids. */
  readonly named?: Readonly<Record<string, Bilingual>> | undefined;
}

/** Words a condition, or a term of one, as written in a rule; undefined where it is no CEL. */
export function wordCel(
  text: string,
  reader: Reader,
): { readonly text: string; readonly measure: Measure } | undefined {
  let ast: ASTNode;
  try {
    ({ ast } = parse(text));
  } catch {
    return undefined;
  }
  if (ast.op === '!_' && isJoined(ast.args)) {
    const inner = word(ast.args, reader).text;
    return { text: pick(reader, `不再满足：${inner}`, `no longer: ${inner}`), measure: plain };
  }
  return word(ast, reader);
}

/** What a condition says the opposite of, as a whole; undefined where it doesn't. */
export function oppositeOf(text: string): string | undefined {
  const { ast } = parse(text);
  return ast.op === '!_'
    ? text
        .slice(1)
        .trim()
        .replace(/^\((.*)\)$/s, '$1')
    : undefined;
}

const pick = ({ language }: Reader, zh: string, en: string) => (language === 'zh' ? zh : en);

function isJoined({ op }: ASTNode): boolean {
  return op !== 'id' && op !== 'call';
}

const comparisons = { '>': '>', '>=': '≥', '<': '<', '<=': '≤', '==': '=', '!=': '≠' } as const;

function word(node: ASTNode, reader: Reader, hint: Measure = plain): Phrase {
  switch (node.op) {
    case 'value':
      return wordLiteral(node.args, reader, hint);
    case 'id':
      return wordName(node.args, reader);
    case '!_':
      return negate(node.args, reader);
    case '-_': {
      const inner = word(node.args, reader, hint);
      return { ...inner, text: `-${bracket(inner, looseness.word, reader)}` };
    }
    case '&&':
      return join(node.args, looseness.and, pick(reader, ' 且 ', ' and '), reader);
    case '||':
      return join(node.args, looseness.or, pick(reader, ' 或 ', ' or '), reader);
    case '>':
    case '>=':
    case '<':
    case '<=':
    case '==':
    case '!=': {
      const [left, right] = sides(node.args, reader);
      const text = `${bracket(left, looseness.sum, reader)} ${comparisons[node.op]} ${bracket(right, looseness.sum, reader)}`;
      return { text, measure: plain, looseness: looseness.comparison };
    }
    case 'in': {
      const [value, list] = node.args;
      const left = word(value, reader);
      const items = (list.op === 'list' ? list.args : [list]).map(
        (item) => word(item, reader, left.measure).text,
      );
      const text = pick(
        reader,
        `${left.text}为 ${items.join(' 或 ')}`,
        `${left.text} is ${items.join(' or ')}`,
      );
      return { text, measure: plain, looseness: looseness.comparison };
    }
    case '+':
    case '-': {
      const [left, right] = sides(node.args, reader, hint);
      const text = `${left.text} ${node.op} ${bracket(right, looseness.product, reader)}`;
      return { text, measure: left.measure, looseness: looseness.sum };
    }
    case '*':
    case '/':
    case '%': {
      const [left, right] = node.args.map((side) => word(side, reader)) as [Phrase, Phrase];
      const sign = { '*': '×', '/': '÷', '%': '%' }[node.op];
      const text = `${bracket(left, looseness.product, reader)} ${sign} ${bracket(right, looseness.word, reader)}`;
      const isOver = node.op === '/' && right.measure !== plain;
      const measure = isOver ? plain : left.measure === plain ? right.measure : left.measure;
      return { text, measure, looseness: looseness.product };
    }
    case '?:': {
      const [condition, yes, no] = node.args.map((part) => word(part, reader, hint)) as [
        Phrase,
        Phrase,
        Phrase,
      ];
      const text = pick(
        reader,
        `${condition.text} 时为 ${yes.text}，否则为 ${no.text}`,
        `${yes.text} if ${condition.text}, else ${no.text}`,
      );
      return { text, measure: yes.measure, looseness: looseness.or };
    }
    case 'call':
      return wordCall(node.args[0], node.args[1], reader);
    case 'rcall':
      return wordMath(node.args[0], node.args[2], reader, hint);
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case 'list':
    case 'map':
      // No condition can use these.
      return { text: '…', measure: plain, looseness: looseness.word };
  }
}

function wordLiteral(literal: unknown, { language }: Reader, hint: Measure): Phrase {
  const value = typeof literal === 'bigint' ? Number(literal) : literal;
  const text =
    typeof value === 'number' || typeof value === 'string'
      ? formatMeasured(value, hint, language)
      : String(value);
  return { text, measure: plain, looseness: looseness.word };
}

function wordName(name: string, reader: Reader): Phrase {
  const { deviceClass, language } = reader;
  if (name === 'maintenance')
    return {
      text: pick(reader, '维护期间', 'during maintenance'),
      measure: plain,
      looseness: looseness.word,
    };
  const context = contextWords[name];
  if (context !== undefined)
    return { text: context[language], measure: context.measure, looseness: looseness.word };
  const metric = metricsOf[deviceClass][name];
  if (metric === undefined) return { text: name, measure: plain, looseness: looseness.word };
  const text = metricWords(name, metric)[language];
  return { text, measure: measureOfMetric(name, metric), looseness: looseness.word };
}

/** Both sides of a comparison or a sum, each measured like the other. */
function sides(
  [left, right]: readonly [ASTNode, ASTNode],
  reader: Reader,
  hint: Measure = plain,
): [Phrase, Phrase] {
  const measures = [word(left, reader).measure, word(right, reader).measure];
  const shared = measures.find((measure) => measure !== plain) ?? hint;
  const [first, second] = [word(left, reader, shared), word(right, reader, shared)];
  return [{ ...first, measure: shared }, second];
}

function join(parts: readonly [ASTNode, ASTNode], own: number, between: string, reader: Reader): Phrase {
  const worded = parts.map((part) => {
    const phrase = word(part, reader);
    // Between "or" nobody need know that "and" binds tighter.
    const isAndInOr = own === looseness.or && phrase.looseness === looseness.and;
    return bracket(phrase, isAndInOr ? looseness.comparison : own, reader);
  });
  const text = worded.join(between);
  return { text, measure: plain, looseness: own };
}

function bracket({ text, looseness: own }: Phrase, around: number, reader: Reader): string {
  return own <= around ? text : pick(reader, `（${text}）`, `(${text})`);
}

function negate(inner: ASTNode, reader: Reader): Phrase {
  if (inner.op === 'id' && inner.args === 'maintenance')
    return {
      text: pick(reader, '不在维护期间', 'not during maintenance'),
      measure: plain,
      looseness: looseness.word,
    };
  if (inner.op === 'call' && inner.args[0] === 'active') {
    const text = wordActive(wordOf(inner.args[1][0]), reader, false);
    return { text, measure: plain, looseness: looseness.word };
  }
  const { text } = word(inner, reader);
  return {
    text: pick(reader, `并非（${text}）`, `not (${text})`),
    measure: plain,
    looseness: looseness.word,
  };
}

function wordMath(name: string, args: readonly ASTNode[], reader: Reader, hint: Measure): Phrase {
  const measure = args.map((arg) => word(arg, reader).measure).find((each) => each !== plain) ?? hint;
  const parts = args.map((arg) => word(arg, reader, measure).text);
  const [first = ''] = parts;
  const [only] = args;
  if (name === 'abs' && only?.op === '-') {
    const [left, right] = sides(only.args, reader, hint);
    const text = pick(
      reader,
      `${left.text} 与 ${right.text} 的差距`,
      `gap between ${left.text} and ${right.text}`,
    );
    return { text, measure, looseness: looseness.word };
  }
  const texts: Readonly<Record<string, string>> = {
    greatest: pick(reader, `${parts.join(' 与 ')} 中的较大者`, `the greater of ${parts.join(' and ')}`),
    least: pick(reader, `${parts.join(' 与 ')} 中的较小者`, `the lesser of ${parts.join(' and ')}`),
    abs: pick(reader, `${first}（不论正负）`, `${first} (either way)`),
  };
  return { text: texts[name] ?? first, measure, looseness: looseness.word };
}

function wordCall(name: string, args: readonly ASTNode[], reader: Reader): Phrase {
  const spec = metricFunctionWords[name];
  const found = spec === undefined ? wordOther(name, args, reader) : undefined;
  if (spec === undefined || args[0] === undefined)
    return { text: name, measure: plain, looseness: looseness.word, ...found };
  const about = word(args[0], reader);
  const { language } = reader;
  const isAnswer = about.measure.kind === 'yes-no';
  const isTumbling = wordOf(args.at(-1)) === 'tumbling';
  const isMedian = name === 'quantile' && literalOf(args[1]) === 0.5;
  const words = isMedian
    ? medianWords
    : ((isTumbling ? spec.tumbling : isAnswer ? spec.yesNo : undefined) ?? spec);
  const written = args.slice(1).map((arg) => wordOf(arg));
  const time = written.map((each) => parseDuration(each)).find((ms) => ms !== undefined);
  const share = Number(literalOf(args[1]));
  const remark = words[language]
    .replace('{time}', time === undefined ? '' : formatDuration(time, language))
    .replace('{share}', Number.isFinite(share) ? formatMeasured(share, { kind: 'share' }, language) : '')
    .replace('{group}', peerWords[written[0] ?? '']?.[language] ?? '');
  const text = pick(reader, `${about.text}（${remark}）`, `${about.text} (${remark})`);
  return { text, measure: measureOf(name, spec.gives, about.measure), looseness: looseness.word };
}

function measureOf(name: string, gives: string, about: Measure): Measure {
  switch (gives) {
    case 'seconds':
    case 'share':
    case 'spreads':
      return { kind: gives };
    case 'count':
      return plain;
    case 'rate':
      return about.kind === 'number' ? { kind: 'number', unit: `${about.unit}/h` } : plain;
    default:
      return about.kind === 'yes-no' && name === 'mean' ? { kind: 'share' } : about;
  }
}

/** Functions about conditions, events, groups and rules. */
function wordOther(name: string, args: readonly ASTNode[], reader: Reader): Partial<Phrase> | undefined {
  const { language } = reader;
  const inner = args.map((arg) => word(arg, reader).text);
  const [first = '', second = ''] = inner;
  const lastTime = parseDuration(wordOf(args.at(-1)));
  const time = lastTime === undefined ? '' : formatDuration(lastTime, language);
  const type = wordOf(args[0]);
  const event = (eventTypeWords as Readonly<Record<string, Bilingual>>)[type]?.[language] ?? type;
  const say = (zh: string, en: string, measure: Measure = plain) => ({ text: pick(reader, zh, en), measure });
  switch (name) {
    case 'share':
      return say(`“${first}”的时间占比（${time}）`, `share of ${time} with "${first}"`, { kind: 'share' });
    case 'unusual':
      return say(`${first}与平常明显不同`, `${first} is unlike the usual`);
    case 'shifted':
      return say(`${first}的水平较此前明显偏移`, `the level of ${first} has moved from what it was`);
    case 'event':
      return say(event, event);
    case 'events':
      return say(`${event}（${time}内次数）`, `${event} (times in ${time})`);
    case 'then':
      return say(`“${first}”之后 ${time}内“${second}”`, `"${second}" within ${time} after "${first}"`);
    case 'not_then':
      return say(`“${first}”之后 ${time}仍未“${second}”`, `${time} after "${first}" still not "${second}"`);
    case 'seconds_since':
      return say(`距上次“${first}”的时间`, `time since "${first}"`, { kind: 'seconds' });
    case 'members':
      if (args.length === 0) return say('设备总数', 'number of devices');
      return say(`“${first}”的设备数`, `devices with "${first}"`);
    case 'member_share':
      return say(`“${first}”的设备占比`, `share of devices with "${first}"`, { kind: 'share' });
    case 'active':
      return { text: wordActive(type, reader, true), measure: { kind: 'yes-no' } };
    default:
      return undefined;
  }
}

function wordActive(rule: string, reader: Reader, isActive: boolean): string {
  const title = reader.named?.[rule]?.[reader.language];
  const [zh, en] = isActive ? ['告警中', 'is active'] : ['未告警', 'is not active'];
  return title === undefined
    ? pick(reader, `规则 ${rule} ${zh}`, `alarm of rule ${rule} ${en}`)
    : pick(reader, `“${title}”${zh}`, `alarm "${title}" ${en}`);
}

function literalOf(node: ASTNode | undefined): unknown {
  return node?.op === 'value' ? node.args : undefined;
}

/** The word that an argument is; empty where it is none. */
function wordOf(node: ASTNode | undefined): string {
  const literal = literalOf(node);
  return typeof literal === 'string' ? literal : '';
}
