import { parse, ParseError } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../../devices/device-class.js';
import { describeCelError } from './cel-words.js';
import { compileNode } from './compile-node.js';
import type { ExpressionProblem } from './scope.js';
import { createScope } from './scope.js';
import type { Sight } from './sight.js';
import type { Window } from './window.js';

/** A condition, compiled once into closures that are called for every reading. */
export interface Expression {
  /** As written in the rule. */
  readonly text: string;
  /** What moves it: readings (event time), or the passing of time: silence and presence. */
  readonly kind: 'reading' | 'silence';
  readonly metrics: readonly string[];
  readonly windows: readonly Window[];
  /** Whether it holds; undefined when that is unknown, because a metric it needs is missing. */
  readonly test: (sight: Sight) => boolean | undefined;
  /** What it looked at, by the names used in its text. */
  readonly evidence: (sight: Sight) => Record<string, number | string>;
}

/** Compiles a condition in CEL for devices of these classes, or says what is wrong with it. */
export function compileExpression(
  text: string,
  classes: readonly DeviceClass[],
): Expression | readonly ExpressionProblem[] {
  const ast = parseCel(text);
  if ('message' in ast) return [ast];
  const scope = createScope(text, classes);
  const { problems } = scope;
  const value = compileNode(scope, ast);
  if (problems.length > 0 || value.kind === 'broken') return problems;
  if (value.kind !== 'truth') {
    const message = 'A condition must be true or false; write a comparison, such as "occupied == 1".';
    return [{ offset: ast.start, message }];
  }
  if (scope.usesTime && scope.metrics.size > 0) {
    const message =
      "silence_s and presence can't be combined with metrics in one condition; write two rules.";
    return [{ offset: ast.start, message }];
  }
  const sources = [...scope.evidence];
  return {
    text,
    kind: scope.usesTime ? 'silence' : 'reading',
    metrics: [...scope.metrics],
    windows: [...scope.windows.values()],
    test: value.read,
    evidence: (sight) => {
      const found: Record<string, number | string> = {};
      for (const [name, read] of sources) {
        const seen = read(sight);
        if (typeof seen === 'string') found[name] = seen;
        else if (seen !== undefined && !Number.isNaN(seen)) found[name] = Math.round(seen * 1000) / 1000;
      }
      return found;
    },
  };
}

/** The opposite of a condition: unknown where that is unknown. */
export function negate(expression: Expression): Expression {
  return {
    ...expression,
    text: `!(${expression.text})`,
    test: (sight) => {
      const holds = expression.test(sight);
      return holds === undefined ? undefined : !holds;
    },
  };
}

function parseCel(text: string): ASTNode | ExpressionProblem {
  try {
    return parse(text).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return describeCelError(text, error.range?.start ?? 0);
  }
}
