import type { ASTNode } from '@marcbachmann/cel-js';
import { presenceStates } from '../../devices/presence.js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { aggregates } from './aggregate.js';
import { compileMathCall, compileWindowCall } from './compile-call.js';
import {
  compileBinary,
  compileChoice,
  compileLogic,
  compileMembership,
  compileUnary,
} from './compile-operator.js';
import type { Operation } from './compile-operator.js';
import type { Scope } from './scope.js';
import { findMetric } from './scope.js';
import { broken } from './value.js';
import type { NumberValue, Value } from './value.js';

/**
 * Turns one node of the parsed expression, with all below it, into a closure that reads its value. Mistakes
 * are reported to the scope.
 */
export function compileNode(scope: Scope, node: ASTNode): Value {
  const settle = (operation: Operation): Value => {
    if (operation.kind !== 'misfit') return operation;
    scope.problems.push({ offset: node.start, message: operation.message });
    return broken;
  };
  switch (node.op) {
    case 'value':
      return compileLiteral(scope, node.args, node.start);
    case 'id':
      return compileName(scope, node.args, node.start);
    case '!_':
    case '-_':
      return settle(compileUnary(node.op, compileNode(scope, node.args)));
    case '&&':
    case '||':
      return settle(
        compileLogic(node.op, compileNode(scope, node.args[0]), compileNode(scope, node.args[1])),
      );
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
      return settle(compileMembership(left, items));
    }
    case '==':
    case '!=': {
      const left = compileNode(scope, node.args[0]);
      const right = compileNode(scope, node.args[1]);
      const checkedLeft = checkWord(scope, right, left, node.args[0]);
      return settle(compileBinary(node.op, checkedLeft, checkWord(scope, left, right, node.args[1])));
    }
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return settle(
        compileBinary(node.op, compileNode(scope, node.args[0]), compileNode(scope, node.args[1])),
      );
    case 'call':
      return compileWindowCall(scope, node, ...node.args, compileNode);
    case 'rcall': {
      const [name, receiver, args] = node.args;
      const isMath = receiver.op === 'id' && receiver.args === 'math';
      const result = isMath
        ? compileMathCall(
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
  const written = scope.text.slice(node.start, node.end);
  scope.problems.push({
    offset: node.start,
    message:
      `"${written}" can't be used in a condition; ` +
      `use metrics, numbers, comparisons, &&, ||, !, ${aggregates.join(', ')}, share, math.greatest and math.least.`,
  });
  return broken;
}

function compileLiteral(scope: Scope, literal: unknown, offset: number): Value {
  if (typeof literal === 'bigint' || typeof literal === 'number') {
    const value = Number(literal);
    return { kind: 'number', read: () => value };
  }
  if (typeof literal === 'string') return { kind: 'word', read: () => literal };
  if (typeof literal === 'boolean') return { kind: 'truth', read: () => literal };
  scope.problems.push({
    offset,
    message: 'Only numbers, "words", true and false can be written in a condition.',
  });
  return broken;
}

function compileName(scope: Scope, name: string, offset: number): Value {
  if (name === 'silence_s' || name === 'interval_s') {
    const read: NumberValue['read'] =
      name === 'silence_s' ? (sight) => sight.silenceS : (sight) => sight.intervalS;
    if (name === 'silence_s') scope.usesTime = true;
    scope.evidence.set(name, read);
    return { kind: 'number', read };
  }
  if (name === 'presence') {
    const read = (sight: Parameters<NumberValue['read']>[0]) => sight.presence;
    scope.usesTime = true;
    scope.evidence.set(name, read);
    return { kind: 'word', read, words: presenceStates, unsure: 'unknown' };
  }
  const metric = findMetric(scope, name, offset);
  if (metric === undefined) return broken;
  scope.metrics.add(name);
  scope.evidence.set(name, (sight) => sight.metrics[name] ?? sight.deviceMetrics[name]);
  if (metric.kind === 'word') {
    const read = (sight: Parameters<NumberValue['read']>[0]) => {
      const value = sight.metrics[name] ?? sight.deviceMetrics[name];
      return typeof value === 'string' ? value : undefined;
    };
    return { kind: 'word', read, words: metric.words };
  }
  return {
    kind: 'number',
    read: (sight) => {
      const value = sight.metrics[name] ?? sight.deviceMetrics[name];
      return typeof value === 'number' ? value : NaN;
    },
  };
}

/** Refuses a written word that what it is compared with can never be. */
function checkWord(scope: Scope, metric: Value, value: Value, node: ASTNode): Value {
  if (metric.kind !== 'word' || metric.words === undefined) return value;
  if (node.op !== 'value' || typeof node.args !== 'string' || metric.words.includes(node.args)) return value;
  const hint = didYouMean(node.args, metric.words);
  scope.problems.push({
    offset: node.start,
    message: `${metric.unsure === undefined ? 'The metric' : 'presence'} is never "${node.args}".${hint}`,
  });
  return broken;
}
