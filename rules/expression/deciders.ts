import type { ASTNode } from '@marcbachmann/cel-js';
import { contextNames } from './context-names.js';
import type { Clause } from './scope.js';
import type { Sight } from './sight.js';

/** A clause that makes a condition what it is. */
export interface Decider {
  /** The clause, or its opposite: what holds now. */
  readonly text: string;
  /**
   * `measured`: it says something of the device; `circumstance`: only of its surroundings, such as timetable, announced
   * work or other alarms; `moment`: an event is just being judged or is not, which says nothing of what comes after it.
   */
  readonly kind: 'measured' | 'circumstance' | 'moment';
}

interface Verdict {
  readonly holds: boolean | undefined;
  readonly deciders: readonly Decider[];
}

const unknown: Verdict = { holds: undefined, deciders: [] };

/** Finds the clauses that a condition holds or does not hold by: of `a && b` that is false, those that are false. */
export function findDeciders(ast: ASTNode, clauses: readonly Clause[]): (sight: Sight) => readonly Decider[] {
  const clauseAt = new Map(clauses.map((clause) => [clause.node, clause]));
  const visit = (node: ASTNode, sight: Sight): Verdict => {
    const clause = clauseAt.get(node);
    if (clause !== undefined) return ofClause(clause, sight);
    if (node.op === '!_') {
      const { holds, deciders } = visit(node.args, sight);
      return { holds: holds === undefined ? undefined : !holds, deciders };
    }
    if (node.op === '&&' || node.op === '||')
      return join(node.op === '||', visit(node.args[0], sight), visit(node.args[1], sight));
    if (node.op !== '?:') return unknown;
    const { holds } = visit(node.args[0], sight);
    return holds === undefined ? unknown : visit(node.args[holds ? 1 : 2], sight);
  };
  return (sight) => visit(ast, sight).deciders;
}

/** @param deciding what one side alone decides: true of `||`, false of `&&` */
function join(deciding: boolean, left: Verdict, right: Verdict): Verdict {
  const sides = [left, right].filter(({ holds }) => holds === deciding);
  if (sides.length > 0) return { holds: deciding, deciders: sides.flatMap(({ deciders }) => deciders) };
  if (left.holds === undefined || right.holds === undefined) return unknown;
  return { holds: !deciding, deciders: [...left.deciders, ...right.deciders] };
}

function ofClause(clause: Clause, sight: Sight): Verdict {
  const { text, opposite, isNegated } = clause;
  const holds = clause.holds(sight);
  if (holds === undefined) return unknown;
  const decider = { text: holds ? text : opposite, kind: kindOf(clause, sight) };
  return { holds: isNegated ? !holds : holds, deciders: [decider] };
}

function kindOf({ node, sequence }: Clause, sight: Sight): Decider['kind'] {
  const { names, calls } = wordsIn(node);
  if (calls.includes('event')) return 'moment';
  // Its time is up while what came second goes on.
  if (calls.includes('then')) return sequence?.conditions[1]?.read(sight) === true ? 'moment' : 'measured';
  // Whose presence is stale or unknown is not well again.
  if (names.includes('presence') && calls.length === 0)
    return sight.presence === 'online' || sight.presence === 'sleeping' ? 'measured' : 'circumstance';
  const isAroundIt =
    names.every((name) => name !== 'silence_s' && contextNames.includes(name)) &&
    calls.every((name) => name === 'active');
  return isAroundIt ? 'circumstance' : 'measured';
}

/** Names and functions that are used there, without what is inside functions. */
function wordsIn(node: ASTNode): { readonly names: readonly string[]; readonly calls: readonly string[] } {
  if (node.op === 'id') return { names: [node.args], calls: [] };
  if (node.op === 'call') return { names: [], calls: [node.args[0]] };
  if (node.op === 'rcall') return wordsOf(node.args[2]);
  if (node.op === '!_' || node.op === '-_') return wordsIn(node.args);
  // What no condition can use, and literals.
  const isLeaf = ['value', '.', '.?', '[]', '[?]', 'map'].includes(node.op);
  return isLeaf ? { names: [], calls: [] } : wordsOf(node.args as readonly ASTNode[]);
}

function wordsOf(nodes: readonly ASTNode[]): ReturnType<typeof wordsIn> {
  const found = nodes.map(wordsIn);
  return { names: found.flatMap(({ names }) => names), calls: found.flatMap(({ calls }) => calls) };
}
