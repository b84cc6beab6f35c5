import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { compileMath } from './compile-math.js';
import {
  compileBinary,
  compileChoice,
  compileLogic,
  compileMembership,
  compileUnary,
} from './compile-operator.js';
import type { Operation } from './compile-operator.js';
import { recall } from './call.js';
import { negateClause, toClause } from './clause.js';
import { findContextName } from './context-names.js';
import { compileCall } from './functions.js';
import type { Scope } from './scope.js';
import { findMetric, refuse, textOf } from './scope.js';
import type { Sight } from './sight.js';
import type { Metric } from '../../devices/metric.js';
import { certain } from './possible.js';
import { broken, numberOf } from './value.js';
import type { Value } from './value.js';
import { createLast, last } from './value-memories.js';
import type { ReadCells } from './window.js';

/**
 * Turns one node of the parsed expression, with all below it, into a closure that reads its value. Mistakes
 * are reported to the scope.
 */
export function compileNode(scope: Scope, node: ASTNode): Value {
  const settle = (operation: Operation): Value => {
    return operation.kind === 'misfit' ? refuse(scope, node.start, operation.message) : operation;
  };
  /** A comparison, which those who ask why want to see. */
  const compare = (operation: Operation, left: Value, right: Value): Value => {
    const value = settle(operation);
    if (value.kind === 'truth') {
      const sides =
        left.kind === 'number' && right.kind === 'number' ? { left: left.read, right: right.read } : {};
      scope.clauses.push({ ...toClause(scope, node, value), ...sides });
    }
    return value;
  };
  /** What stands alone as a condition, such as `event("radar")`, is a clause as comparisons are. */
  const operand = (inner: ASTNode): Value => {
    const value = compileNode(scope, inner);
    if (value.kind === 'truth' && (inner.op === 'id' || inner.op === 'call'))
      scope.clauses.push(toClause(scope, inner, value));
    return value;
  };
  switch (node.op) {
    case 'value':
      return compileLiteral(scope, node.args, node.start);
    case 'id':
      return compileName(scope, node.args, node.start);
    case '!_': {
      const before = scope.clauses.length;
      const inner = operand(node.args);
      scope.clauses.push(...scope.clauses.splice(before).map(negateClause));
      return settle(compileUnary(node.op, inner));
    }
    case '-_':
      return settle(compileUnary(node.op, operand(node.args)));
    case '&&':
    case '||':
      return settle(compileLogic(node.op, operand(node.args[0]), operand(node.args[1])));
    case '?:': {
      const [condition, yes, no] = node.args;
      return settle(
        compileChoice(compileNode(scope, condition), compileNode(scope, yes), compileNode(scope, no)),
      );
    }
    case 'in': {
      const [value, list] = node.args;
      if (list.op !== 'list')
        return settle(compileBinary('in', compileNode(scope, value), compileNode(scope, list)));
      const left = compileNode(scope, value);
      const items = list.args.map((item) => checkWord(scope, left, compileNode(scope, item), item));
      return compare(compileMembership(left, items), left, broken);
    }
    case '==':
    case '!=': {
      const left = compileNode(scope, node.args[0]);
      const right = compileNode(scope, node.args[1]);
      const checkedLeft = checkWord(scope, right, left, node.args[0]);
      const checkedRight = checkWord(scope, left, right, node.args[1]);
      return compare(compileBinary(node.op, checkedLeft, checkedRight), left, right);
    }
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const left = compileNode(scope, node.args[0]);
      const right = compileNode(scope, node.args[1]);
      return compare(compileBinary(node.op, left, right), left, right);
    }
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return settle(
        compileBinary(node.op, compileNode(scope, node.args[0]), compileNode(scope, node.args[1])),
      );
    case 'call':
      return compileCall({ scope, node, name: node.args[0], args: node.args[1], compile: compileNode });
    case 'rcall': {
      const [name, receiver, args] = node.args;
      const isMath = receiver.op === 'id' && receiver.args === 'math';
      const result = isMath
        ? compileMath(
            name,
            args.map((arg) => compileNode(scope, arg)),
          )
        : undefined;
      if (result !== undefined) return result;
      break;
    }
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case 'list':
    case 'map':
      break;
  }
  return refuse(
    scope,
    node.start,
    `"${textOf(scope, node)}" can't be used in a condition; use metrics, numbers, comparisons, &&, ||, !, ` +
      'math.greatest, math.least, math.abs and the functions that "campus rules functions" lists.',
  );
}

function compileLiteral(scope: Scope, literal: unknown, offset: number): Value {
  if (typeof literal === 'bigint' || typeof literal === 'number') {
    const value = Number(literal);
    return { kind: 'number', read: () => value, given: () => value, fixed: () => value };
  }
  if (typeof literal === 'string') return { kind: 'word', read: () => literal };
  if (typeof literal === 'boolean')
    return { kind: 'truth', read: () => literal, given: () => certain(literal) };
  return refuse(scope, offset, 'Only numbers, "words", true and false can be written in a condition.');
}

function compileName(scope: Scope, name: string, offset: number): Value {
  const context = compileContext(scope, name, offset);
  if (context !== undefined) return context;
  const metric = findMetric(scope, name, offset);
  if (metric === undefined) return broken;
  scope.metrics.add(name);
  return scope.metricsOf === 'reading' ? readReported(scope, name, metric) : readKnown(scope, name, metric);
}

/** The metric as the reading that is judged has it. */
function readReported(scope: Scope, name: string, metric: Metric): Value {
  const reported = (sight: Sight) => sight.metrics[name] ?? sight.deviceMetrics[name];
  scope.evidence.set(name, reported);
  if (metric.kind === 'word') {
    const read = (sight: Sight) => {
      const value = reported(sight);
      return typeof value === 'string' ? value : undefined;
    };
    return { kind: 'word', read, words: metric.words };
  }
  return {
    kind: 'number',
    read: (sight) => {
      const value = reported(sight);
      return typeof value === 'number' ? value : NaN;
    },
  };
}

/** The metric as it was last reported, as long as that is known: devices report metrics in messages of their own, too. */
function readKnown(scope: Scope, name: string, metric: Metric): Value {
  const newest: ReadCells = (cells, start, { at, knownMs }) =>
    at - (cells[start + last.at] as number) <= knownMs ? (cells[start + last.value] as number) : NaN;
  // That alone is no reason to judge a late reading.
  const { memories } = scope.uses;
  const value = recall(scope, createLast(name, metric), newest);
  scope.uses.memories = memories;
  if (metric.kind === 'word') {
    const read = (sight: Sight) => metric.words[value(sight)];
    scope.evidence.set(name, read);
    return { kind: 'word', read, words: metric.words };
  }
  scope.evidence.set(name, value);
  return { kind: 'number', read: value, given: value.given };
}

function compileContext(scope: Scope, name: string, offset: number): Value | undefined {
  const context = findContextName(name);
  if (context === undefined) return undefined;
  if (scope.about === 'group' && context.ofGroups !== true)
    return refuse(
      scope,
      offset,
      `${name} is about a device, not about a group: ask members(condition) with it.`,
    );
  const { number, word, truth, words, unsure, uses, fixed } = context;
  if (uses !== undefined) scope.uses[uses] = true;
  if (number !== undefined) {
    scope.evidence.set(name, number);
    return { kind: 'number', read: number, fixed, ...(name === 'silence_s' ? { isSilence: true } : {}) };
  }
  if (word !== undefined) {
    scope.evidence.set(name, word);
    return { kind: 'word', read: word, words, unsure, name };
  }
  if (truth === undefined) return undefined;
  scope.evidence.set(name, (sight) => numberOf(truth(sight)));
  return { kind: 'truth', read: truth };
}

/** Refuses a written word that what it is compared with can never be. */
function checkWord(scope: Scope, metric: Value, value: Value, node: ASTNode): Value {
  if (metric.kind !== 'word' || metric.words === undefined) return value;
  if (node.op !== 'value' || typeof node.args !== 'string' || metric.words.includes(node.args)) return value;
  const hint = didYouMean(node.args, metric.words);
  const what = metric.name ?? 'The metric';
  return refuse(scope, node.start, `${what} is never "${node.args}".${hint}`);
}
