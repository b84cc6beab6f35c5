import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../devices/device-class.js';
import { metricsOf } from '../devices/metric.js';
import { compared, describe, intersect, isWithin } from './constraint.js';
import type { Constraint, WordConstraint } from './constraint.js';
import { findContextName } from './expression/context-names.js';
import { difference, isLikeMetric, rangeOf } from './value-range.js';
import type { Range, RangeFacts } from './value-range.js';

/** One thing that a condition asks for something of. */
export interface Demand {
  readonly constraint: Constraint;
  /** The thing itself; undefined where it is the difference of two. */
  readonly node: ASTNode | undefined;
  readonly label: string;
}

/** One way in which a condition can hold: all that it asks for together, by what that is asked of. */
export type Case = ReadonlyMap<string, Demand>;

/** A part of a condition that can never hold, and why. */
export interface DeadPart {
  readonly node: ASTNode;
  readonly why: string;
}

/** What a number is compared: itself, or the difference of two. */
interface Thing {
  readonly key: string;
  readonly label: string;
  readonly thing: ASTNode | undefined;
}

/** More ways than these are not looked into. */
const mostCases = 256;

/**
 * Takes conditions apart into the cases in which they hold. What it can't look into is taken to be possible, so that
 * what it finds to be impossible is.
 */
export class CaseFinder {
  readonly #text: string;
  readonly #facts: RangeFacts;
  /** Parts that can never hold, found on the way. */
  readonly dead: DeadPart[] = [];

  constructor(text: string, classes: readonly DeviceClass[]) {
    this.#text = text;
    this.#facts = {
      classes,
      canHold: (condition) => new CaseFinder(text, classes).cases(condition)?.length !== 0,
    };
  }

  /** The cases in which it holds, or with `wanted` false does not; undefined where there are too many. */
  cases(node: ASTNode, wanted = true): readonly Case[] | undefined {
    switch (node.op) {
      case '!_':
        return this.cases(node.args, !wanted);
      case '&&':
      case '||': {
        const isBoth = (node.op === '&&') === wanted;
        const [left, right] = [this.cases(node.args[0], wanted), this.cases(node.args[1], wanted)];
        return isBoth ? this.#both(node, left, right) : either(left, right);
      }
      case '?:': {
        const [condition, yes, no] = node.args;
        const chosen = this.#both(node, this.cases(condition), this.cases(yes, wanted));
        return either(chosen, this.#both(node, this.cases(condition, false), this.cases(no, wanted)));
      }
      case 'value':
        if (node.args === wanted) return [new Map()];
        this.dead.push({ node, why: `it is ${String(node.args)}, whatever is measured` });
        return [];
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#numbers(node, wanted ? node.op : negatedOps[node.op], node.args);
      case '==':
      case '!=': {
        const op = wanted ? node.op : negatedOps[node.op];
        const [left, right] = node.args;
        const words = this.#words(node, op, left, right) ?? this.#words(node, op, right, left);
        if (words !== undefined) return words;
        const isNumeric = [left, right].every((side) => this.#isNumber(side));
        return isNumeric ? this.#numbers(node, op, node.args) : this.#truth(node, wanted);
      }
      case 'in':
        return this.#membership(node, wanted, node.args);
      case '-_':
      case '-':
      case '.':
      case '.?':
      case '[]':
      case '[?]':
      case '*':
      case '/':
      case '%':
      case '+':
      case 'call':
      case 'id':
      case 'list':
      case 'map':
      case 'rcall':
        return this.#truth(node, wanted);
    }
  }

  #textOf({ start, end }: ASTNode): string {
    return this.#text.slice(start, end);
  }

  #keyOf(node: ASTNode): string {
    return this.#textOf(node).replace(/\s/g, '');
  }

  #both(
    node: ASTNode,
    left: readonly Case[] | undefined,
    right: readonly Case[] | undefined,
  ): readonly Case[] | undefined {
    // One side that is unsure leaves what the other asks for.
    if (left === undefined || right === undefined) return (left ?? right)?.length === 0 ? [] : undefined;
    if (left.length * right.length > mostCases) return undefined;
    const found: Case[] = [];
    let why: string | undefined;
    for (const a of left) {
      for (const b of right) {
        const together = join(a, b);
        if (typeof together === 'string') why ??= together;
        else found.push(together);
      }
    }
    if (found.length === 0 && why !== undefined) this.dead.push({ node, why });
    return found;
  }

  #numbers(node: ASTNode, op: string, [left, right]: readonly [ASTNode, ASTNode]): readonly Case[] {
    const a = rangeOf(left, this.#facts);
    const b = rangeOf(right, this.#facts);
    if (isFixed(a) && isFixed(b)) {
      if (holds(a.min, op, b.min)) return [new Map()];
      this.dead.push({ node, why: 'it compares numbers that are written in it, whatever is measured' });
      return [];
    }
    if (isFixed(b)) return this.#number(node, left, op, b.min, a);
    if (isFixed(a)) return this.#number(node, right, flipped(op), a.min, b);
    const [keyA, keyB] = [this.#keyOf(left), this.#keyOf(right)];
    const isInOrder = keyA <= keyB;
    const [first, second] = isInOrder ? [left, right] : [right, left];
    const label = `${this.#textOf(first)} - ${this.#textOf(second)}`;
    const about = { key: isInOrder ? `${keyA}-${keyB}` : `${keyB}-${keyA}`, label, thing: undefined };
    const range = keyA === keyB ? nothing : difference(isInOrder ? a : b, isInOrder ? b : a);
    return this.#limit(node, about, isInOrder ? op : flipped(op), 0, range);
  }

  #number(node: ASTNode, thing: ASTNode, op: string, limit: number, range: Range): readonly Case[] {
    return this.#limit(
      node,
      { key: this.#keyOf(thing), label: this.#textOf(thing), thing },
      op,
      limit,
      range,
    );
  }

  #limit(
    node: ASTNode,
    { key, label, thing }: Thing,
    op: string,
    limit: number,
    range: Range,
  ): readonly Case[] {
    const possible: Constraint = { kind: 'number', ...range, minOpen: false, maxOpen: false };
    // What is not equal is on one side or on the other.
    const asked = (op === '!=' ? ['<', '>'] : [op]).map((each) => compared(each, limit));
    const found = asked.filter((each) => intersect(each, possible) !== undefined);
    if (found.length === 0)
      this.dead.push({ node, why: `${label} is ${withUnit(range, this.#unitOf(thing))}` });
    return found.map((constraint) =>
      isWithin(possible, constraint) ? new Map() : new Map([[key, { constraint, node: thing, label }]]),
    );
  }

  /** A word compared with one that is written; undefined where it is none. */
  #words(node: ASTNode, op: string, thing: ASTNode, written: ASTNode): readonly Case[] | undefined {
    if (written.op !== 'value' || typeof written.args !== 'string') return undefined;
    return this.#word(node, thing, { kind: 'word', words: new Set([written.args]), isExcept: op === '!=' });
  }

  #word(node: ASTNode, thing: ASTNode, asked: WordConstraint): readonly Case[] {
    const known = this.#wordsOf(thing);
    const [key, label] = [this.#keyOf(thing), this.#textOf(thing)];
    if (known !== undefined) {
      const possible: WordConstraint = { kind: 'word', words: new Set(known), isExcept: false };
      if (intersect(possible, asked) === undefined) {
        this.dead.push({ node, why: `${label} is one of ${known.join(', ')}` });
        return [];
      }
      if (isWithin(possible, asked)) return [new Map()];
    }
    return [new Map([[key, { constraint: asked, node: thing, label }]])];
  }

  #membership(
    node: ASTNode,
    wanted: boolean,
    [thing, list]: readonly [ASTNode, ASTNode],
  ): readonly Case[] | undefined {
    if (list.op !== 'list') return this.#truth(node, wanted);
    const words = list.args.flatMap(({ op, args }) =>
      op === 'value' && typeof args === 'string' ? args : [],
    );
    if (words.length === list.args.length && words.length > 0)
      return this.#word(node, thing, { kind: 'word', words: new Set(words), isExcept: !wanted });
    if (!wanted || !list.args.every((each) => isFixed(rangeOf(each, this.#facts))))
      return this.#truth(node, wanted);
    return list.args.reduce<readonly Case[] | undefined>(
      (cases, each) => either(cases, this.#numbers(node, '==', [thing, each])),
      [],
    );
  }

  /** What is true or not: `maintenance`, or a call. An event is the one that is judged, so that it is no other. */
  #truth(node: ASTNode, wanted: boolean): readonly Case[] {
    const [name, args] = node.op === 'call' ? node.args : ['', []];
    const [type] = args;
    if (name === 'event' && type?.op === 'value' && typeof type.args === 'string') {
      const constraint = { kind: 'word', words: new Set([type.args]), isExcept: !wanted } as const;
      return [new Map([['event', { constraint, node, label: 'the event' }]])];
    }
    const constraint = { kind: 'word', words: new Set([String(wanted)]), isExcept: false } as const;
    return [new Map([[this.#keyOf(node), { constraint, node, label: this.#textOf(node) }]])];
  }

  #wordsOf(node: ASTNode): readonly string[] | undefined {
    if (node.op === 'call' && node.args[0] === 'last' && node.args[1][0] !== undefined)
      return this.#wordsOf(node.args[1][0]);
    if (node.op !== 'id') return undefined;
    const name = node.args;
    const context = findContextName(name);
    if (context !== undefined) return context.words;
    const words = this.#facts.classes.flatMap((deviceClass) => {
      const metric = metricsOf[deviceClass][name];
      return metric?.kind === 'word' ? metric.words : [];
    });
    return words.length === 0 ? undefined : [...new Set(words)];
  }

  #isNumber(node: ASTNode): boolean {
    switch (node.op) {
      case 'value':
        return typeof node.args === 'number' || typeof node.args === 'bigint';
      case 'id':
        return findContextName(node.args) === undefined
          ? this.#wordsOf(node) === undefined
          : findContextName(node.args)?.number !== undefined;
      case 'call':
        return !truthFunctions.has(node.args[0]) && this.#wordsOf(node) === undefined;
      case '-_':
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case 'rcall':
        return true;
      case '?:':
        return this.#isNumber(node.args[1]);
      case '!_':
      case '!=':
      case '.':
      case '.?':
      case '[]':
      case '[?]':
      case '&&':
      case '<':
      case '<=':
      case '==':
      case '>':
      case '>=':
      case '||':
      case 'in':
      case 'list':
      case 'map':
        return false;
    }
  }

  #unitOf(node: ASTNode | undefined): string {
    const inner = node?.op === 'call' && isLikeMetric(node.args[0]) ? node.args[1][0] : node;
    if (inner?.op !== 'id') return '';
    const [deviceClass] = this.#facts.classes;
    const metric = deviceClass && metricsOf[deviceClass][inner.args];
    return metric?.kind === 'number' ? metric.unit : '';
  }
}

/** Whether all that can make `a` hold makes `b` hold, too; false where that is unsure. */
export function entails(a: readonly Case[], b: readonly Case[]): boolean {
  return a.every((each) =>
    b.some((other) => [...other].every(([key, { constraint }]) => isAsked(each.get(key), constraint))),
  );
}

function isAsked(demand: Demand | undefined, constraint: Constraint): boolean {
  return demand !== undefined && isWithin(demand.constraint, constraint);
}

/** Something for which a case of `a` and one of `b` hold together, where the latter looks at nothing else than that. */
export function findOverlap(a: readonly Case[], b: readonly Case[]): Case | undefined {
  for (const each of a) {
    for (const other of b) {
      const together = [...other.keys()].every((key) => each.has(key)) ? join(each, other) : undefined;
      if (typeof together === 'object') return new Map([...together].filter(([key]) => other.has(key)));
    }
  }
  return undefined;
}

/** Both together, or why that can't be. */
function join(a: Case, b: Case): Case | string {
  const joined = new Map(a);
  for (const [key, demand] of b) {
    const before = a.get(key);
    if (before === undefined) {
      joined.set(key, demand);
      continue;
    }
    const constraint = intersect(before.constraint, demand.constraint);
    if (constraint === undefined)
      return `${demand.label} can't be ${describe(before.constraint)} and ${describe(demand.constraint)} at once`;
    joined.set(key, { ...demand, constraint });
  }
  return joined;
}

function either(a: readonly Case[] | undefined, b: readonly Case[] | undefined): readonly Case[] | undefined {
  if (a === undefined || b === undefined || a.length + b.length > mostCases) return undefined;
  return [...a, ...b];
}

const truthFunctions = new Set(['event', 'unusual', 'then', 'not_then', 'active']);
const negatedOps = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '==': '!=', '!=': '==' } as const;
const flippedOps: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const nothing: Range = { min: 0, max: 0 };

/** The operator that says the same with the sides changed over. */
function flipped(op: string): string {
  return flippedOps[op] ?? op;
}

function holds(a: number, op: string, b: number): boolean {
  if (op === '!=') return a !== b;
  return intersect(compared(op, b), compared('==', a)) !== undefined;
}

function isFixed({ min, max }: Range): boolean {
  return min === max;
}

function withUnit({ min, max }: Range, unit: string): string {
  if (min === -Infinity) return `at most ${max} ${unit}`.trimEnd();
  if (max === Infinity) return `at least ${min} ${unit}`.trimEnd();
  return min === max ? `always ${min}` : `between ${min} and ${max} ${unit}`.trimEnd();
}
