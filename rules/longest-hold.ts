import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../devices/device-class.js';
import { isCounter } from '../devices/metric.js';
import type { Case, Demand } from './condition-cases.js';
import { parseDuration } from './duration.js';

/** How long a condition can hold after a single thing that happened, ms, and what that is. */
export interface Hold {
  readonly ms: number;
  readonly of: 'event' | 'step' | 'window';
}

const forEver: Hold = { ms: Infinity, of: 'window' };

/** How long a condition can hold at most: as long as it looks back, where it is about what happens and not about what lasts. */
export function longestHold(cases: readonly Case[], classes: readonly DeviceClass[]): Hold {
  const holds = cases.map((each) =>
    [...each.values()].map((demand) => holdOf(demand, classes)).reduce(shorter, forEver),
  );
  return holds.length === 0 ? forEver : holds.reduce((a, b) => (b.ms > a.ms ? b : a));
}

function holdOf({ constraint, node }: Demand, classes: readonly DeviceClass[]): Hold {
  if (node === undefined) return forEver;
  if (constraint.kind === 'number') {
    const isNothingFine =
      constraint.min < 0 && constraint.max > 0
        ? true
        : (constraint.min === 0 && !constraint.minOpen) || (constraint.max === 0 && !constraint.maxOpen);
    return isNothingFine ? forEver : traceOf(node, classes);
  }
  const [name, args] = node.op === 'call' ? node.args : ['', []];
  if (name === 'event' && !constraint.isExcept) return { ms: 0, of: 'event' };
  if (name === 'then' && constraint.words.has('true')) return { ms: timeIn(args), of: 'window' };
  return forEver;
}

/** How long a number is other than zero after something that happened once. */
function traceOf(node: ASTNode, classes: readonly DeviceClass[]): Hold {
  switch (node.op) {
    case '-_':
      return traceOf(node.args, classes);
    case '+':
    case '-':
      return longer(traceOf(node.args[0], classes), traceOf(node.args[1], classes));
    case '*':
      return shorter(traceOf(node.args[0], classes), traceOf(node.args[1], classes));
    case '/':
      return traceOf(node.args[0], classes);
    case 'rcall':
      return node.args[0] === 'abs' && node.args[2][0] !== undefined
        ? traceOf(node.args[2][0], classes)
        : forEver;
    case 'call': {
      const [name, args] = node.args;
      const ms = timeIn(args);
      if (name === 'events' || name === 'changes' || name === 'resets') return { ms, of: 'window' };
      if (name === 'level_shift') return { ms: 2 * ms, of: 'window' };
      // A counter grows as long as what it counts goes on.
      const [metric] = args;
      if (metric?.op !== 'id' || classes.some((each) => isCounter(each, metric.args))) return forEver;
      if (name === 'increase' || name === 'change') return { ms, of: 'window' };
      return name === 'step' ? { ms: 0, of: 'step' } : forEver;
    }
    case '!_':
    case '!=':
    case '?:':
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case '&&':
    case '%':
    case '<':
    case '<=':
    case '==':
    case '>':
    case '>=':
    case '||':
    case 'id':
    case 'in':
    case 'list':
    case 'map':
    case 'value':
      return forEver;
  }
}

function shorter(a: Hold, b: Hold): Hold {
  return b.ms < a.ms ? b : a;
}

function longer(a: Hold, b: Hold): Hold {
  return b.ms > a.ms ? b : a;
}

function timeIn(args: readonly ASTNode[]): number {
  for (const { op, args: written } of args) {
    const ms = op === 'value' && typeof written === 'string' ? parseDuration(written) : undefined;
    if (ms !== undefined) return ms;
  }
  return Infinity;
}
