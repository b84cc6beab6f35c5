import { parse, ParseError } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../../devices/device-class.js';
import { describeCelError } from './cel-words.js';
import { compileNode } from './compile-node.js';
import type { Expression } from './expression.js';
import { toExpression } from './expression.js';
import { movedBy } from './moved-by.js';
import type { MovedBy } from './moved-by.js';
import type { Plan } from './plan.js';
import type { ExpressionProblem, Scope } from './scope.js';
import { createScope } from './scope.js';

/** A condition without mistakes, which is yet to be compiled for the devices of one class. */
export interface CheckedExpression {
  readonly text: string;
  readonly about: Scope['about'];
  readonly movedBy: MovedBy;
  readonly isAboutSilence: boolean;
  /** Rules that it refers to, with the place where it does. */
  readonly rules: ReadonlyMap<string, number>;
  bind(deviceClass: DeviceClass, plan: Plan): Expression;
}

/** Checks a condition in CEL for devices of these classes, or says what is wrong with it. */
export function checkExpression(
  text: string,
  classes: readonly DeviceClass[],
  about: Scope['about'] = 'device',
): CheckedExpression | readonly ExpressionProblem[] {
  try {
    return check(text, classes, about);
  } catch (error) {
    // It is compiled as deep as it is nested.
    if (error instanceof RangeError) return [tooDeep];
    throw error;
  }
}

const tooDeep: ExpressionProblem = {
  offset: 0,
  message: 'The condition is nested too deeply; write it in simpler parts, or as several rules.',
};

function check(
  text: string,
  classes: readonly DeviceClass[],
  about: Scope['about'],
): CheckedExpression | readonly ExpressionProblem[] {
  const ast = parseCel(text);
  if ('message' in ast) return [ast];
  const scope = createScope(text, classes, about);
  const { problems } = scope;
  const value = compileNode(scope, ast);
  if (problems.length > 0 || value.kind === 'broken') return problems;
  if (value.kind !== 'truth') {
    const message = 'A condition must be true or false; write a comparison, such as "occupied == 1".';
    return [{ offset: ast.start, message }];
  }
  const { uses, metrics, rules } = scope;
  if (uses.silence && (metrics.size > 0 || uses.events)) {
    const message =
      "silence_s and presence can't be combined with metrics or events in one condition; write two rules.";
    return [{ offset: ast.start, message }];
  }
  return {
    text,
    about,
    movedBy: movedBy(uses, about),
    isAboutSilence: uses.silence,
    rules,
    bind: (deviceClass, plan) => bind(text, ast, deviceClass, about, plan),
  };
}

function bind(
  text: string,
  ast: ASTNode,
  deviceClass: DeviceClass,
  about: Scope['about'],
  plan: Plan,
): Expression {
  const scope = createScope(text, [deviceClass], about, plan);
  const value = compileNode(scope, ast);
  if (value.kind !== 'truth') throw new Error(`"${text}" was checked for other classes than ${deviceClass}`);
  return toExpression(scope, text, ast, value);
}

function parseCel(text: string): ASTNode | ExpressionProblem {
  try {
    return parse(text).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    if (error.code === 'limit_exceeded') return tooDeep;
    return describeCelError(text, error.range?.start ?? 0);
  }
}
