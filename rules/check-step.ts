import { parse } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../devices/device-class.js';
import { CaseFinder, entails, findOverlap } from './condition-cases.js';
import type { Case } from './condition-cases.js';
import { describe } from './constraint.js';
import { longestHold } from './longest-hold.js';
import type { Hold } from './longest-hold.js';
import type { StepDefinition } from './rule-schema.js';

/** A mistake in what a step says, though each of its conditions is right. */
interface StepProblem {
  readonly key: 'condition' | 'clear' | 'for';
  readonly message: string;
  /** Where in the condition it is, in characters. */
  readonly offset?: number | undefined;
}

type Step = Pick<StepDefinition, 'condition' | 'clear' | 'for'>;

/**
 * Finds conditions that can never or always hold, by what metrics and words can be; clear conditions that hold where
 * the alarm is raised; holds that are longer than what is looked for can last; and a step that is no more severe than
 * the one before it. It names only what is certain.
 */
export function checkStep(
  step: Step,
  classes: readonly DeviceClass[],
  milder?: Step,
): readonly StepProblem[] {
  const { condition, clear, for: holdMs } = step;
  const raises = checkCondition('condition', condition, classes);
  const clears = clear === undefined ? undefined : checkCondition('clear', clear, classes);
  const problems = [...raises.problems, ...(clears?.problems ?? [])];
  if (problems.length > 0 || raises.cases === undefined) return problems;
  const overlap = clears?.cases && findOverlap(raises.cases, clears.cases);
  if (overlap !== undefined) problems.push({ key: 'clear', message: sayOverlap(overlap) });
  const longest = longestHold(raises.cases, classes);
  if (holdMs > longest.ms) problems.push({ key: 'for', message: sayHold(longest) });
  const before = milder && new CaseFinder(milder.condition, classes).cases(parse(milder.condition).ast);
  if (before !== undefined && milder !== undefined && holdMs <= milder.for && entails(before, raises.cases)) {
    const message =
      'The step is no more severe than the one before it: it holds whenever that does. Give it a limit beyond that ' +
      'one, or a longer "for".';
    problems.push({ key: 'condition', message });
  }
  return problems;
}

interface Checked {
  readonly cases: readonly Case[] | undefined;
  readonly problems: StepProblem[];
}

function checkCondition(key: 'condition' | 'clear', text: string, classes: readonly DeviceClass[]): Checked {
  const { ast } = parse(text);
  const problems: StepProblem[] = [];
  for (const inner of conditionsWithin(ast)) {
    const finder = new CaseFinder(text, classes);
    finder.cases(inner);
    for (const { node, why } of finder.dead)
      problems.push({ key, message: sayDead(why), offset: node.start });
  }
  if (problems.length > 0) return { cases: undefined, problems };
  const finder = new CaseFinder(text, classes);
  const cases = finder.cases(ast);
  const [first] = finder.dead;
  if (cases?.length === 0) {
    const ending = key === 'clear' ? ' The alarm would never end.' : '';
    const message = `It can never hold: ${first?.why ?? 'it contradicts itself'}.${ending}`;
    problems.push({ key, message, offset: first?.node.start });
  } else if (new CaseFinder(text, classes).cases(ast, false)?.length === 0) {
    const ending = key === 'clear' ? 'the alarm would end at once' : 'its alarm would never end';
    problems.push({
      key,
      message: `It always holds, whatever is measured, so that ${ending}; give it a limit.`,
    });
  } else {
    for (const { node, why } of finder.dead)
      problems.push({ key, message: sayDead(why), offset: node.start });
  }
  return { cases, problems };
}

function sayDead(why: string): string {
  return `This part can never hold: ${why}. Mend it, or leave it out.`;
}

function sayOverlap(overlap: Case): string {
  const where = [...overlap.values()]
    .map(({ label, constraint }) => `${label} ${describe(constraint)}`)
    .join(' and ');
  return (
    `The clear condition also holds where the alarm is raised (${where}), so that it would come and go; make it hold ` +
    'only where the condition does not.'
  );
}

function sayHold({ ms, of }: Hold): string {
  if (ms > 0) {
    return (
      'It has to hold for longer than it looks back: what it looks for has left that time by then. Make "for" ' +
      'shorter than the time in the condition.'
    );
  }
  return of === 'event'
    ? 'An event is over at once, so that nothing holds: leave "for" out, or ask events(…, "10m") > 0.'
    : 'A step is over with the next reading, so that nothing holds: leave "for" out, or ask change(…, "10m").';
}

/** How many of their first arguments are conditions. */
const conditionsOf: Readonly<Record<string, number>> = {
  share: 1,
  members: 1,
  member_share: 1,
  seconds_since: 1,
  then: 2,
  not_then: 2,
};

/** The conditions that calls in a condition are given. */
function conditionsWithin(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'call': {
      const [name, args] = node.args;
      const own = args.slice(0, conditionsOf[name] ?? 0);
      return [...own, ...args.flatMap(conditionsWithin)];
    }
    case 'rcall':
      return node.args[2].flatMap(conditionsWithin);
    case '!_':
    case '-_':
      return conditionsWithin(node.args);
    case '?:':
      return node.args.flatMap(conditionsWithin);
    case '&&':
    case '||':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '==':
    case '!=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return node.args.flatMap(conditionsWithin);
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case 'id':
    case 'in':
    case 'list':
    case 'map':
    case 'value':
      return [];
  }
}
