import { z } from 'zod';
import type { TextProblem } from '../devices/text-problem.js';
import { parseYamlList } from '../devices/yaml-list.js';
import type { YamlList } from '../devices/yaml-list.js';
import { checkReferences } from './check-references.js';
import { checkStep } from './check-step.js';
import { checkExpression } from './expression/compile-expression.js';
import type { CheckedExpression } from './expression/compile-expression.js';
import { didYouMean } from '../devices/did-you-mean.js';
import type { PlacedRule } from './placed-rule.js';
import type { CheckedStep, CompiledRule } from './rule.js';
import { RuleSetError } from './rule-problem.js';
import { mostCharacters, ruleKeys, ruleSchema, stepKeys, stepsOf } from './rule-schema.js';
import type { RuleDefinition, StepDefinition } from './rule-schema.js';

/** The text of one rule file; `name` is what its mistakes are reported under. */
export interface RuleFile {
  readonly name: string;
  readonly text: string;
  /** Its rules are the catalogue's: one of another file with the same id takes its place. */
  readonly isReplaceable?: boolean;
}

/** Where an id is used. */
interface Use extends TextProblem {
  readonly isReplaceable: boolean;
}

/**
 * Compiles the rules of all files, in order.
 * @throws RuleSetError with every mistake of the set: a set with a mistake is refused whole.
 */
export function parseRules(files: readonly RuleFile[]): readonly CompiledRule[] {
  const rules = new Map<string, PlacedRule>();
  const problems: TextProblem[] = [];
  const definedIn = new Map<string, Use>();
  for (const { name, text, isReplaceable = false } of files) {
    const document = parseYamlList(name, text, { entry: 'rule', firstKey: 'id' });
    problems.push(...document.problems);
    document.entries.forEach((plain, index) => {
      const parsed = ruleSchema.safeParse(plain);
      if (!parsed.success) {
        problems.push(
          ...parsed.error.issues.flatMap((issue) => describeIssue(document, index, plain, issue)),
        );
        const rest = conditionsOnly.safeParse(plain);
        if (rest.success) compileConditions(document, index, rest.data, { ...rest.data, path: [] }, problems);
        return;
      }
      const { id } = parsed.data;
      const place = document.problemAt(index, ['id'], '');
      const first = definedIn.get(id);
      const isReplacing = first?.isReplaceable === true && !isReplaceable;
      if (first !== undefined && !isReplacing) {
        const message = `The id "${id}" is used already in ${first.file}:${first.line}; give one of the two another id.`;
        problems.push({ ...place, message });
      } else {
        definedIn.set(id, { ...place, isReplaceable });
      }
      const compiled = compileRule(document, index, parsed.data, place, problems);
      if (compiled === undefined) return;
      const rule = isReplacing ? { ...compiled, replaces: `${first.file}:${first.line}` } : compiled;
      const problemAt: PlacedRule['problemAt'] = (path, message, offset) =>
        document.problemAt(index, path, message, offset === undefined ? {} : { offset });
      rules.set(id, { rule, problemAt });
    });
  }
  const placed = [...rules.values()];
  problems.push(...checkReferences(placed));
  if (problems.length > 0) throw new RuleSetError(problems);
  return placed.map(({ rule }) => rule);
}

/** What is left to check of a rule that has other mistakes. */
const conditionsOnly = z.object(
  ruleSchema
    .pick({ class: true, group: true, clear: true })
    .extend({ condition: z.string().max(mostCharacters) }).shape,
);
type Conditions = Pick<RuleDefinition, 'class' | 'group'>;
type WrittenStep = Pick<StepDefinition, 'condition' | 'clear' | 'path'>;

function compileConditions(
  document: YamlList,
  index: number,
  { class: classes, group }: Conditions,
  written: WrittenStep,
  problems: TextProblem[],
): { condition: CheckedExpression; clear: CheckedExpression | undefined } | undefined {
  const compile = (key: 'condition' | 'clear', text: string): CheckedExpression | undefined => {
    const result = checkExpression(text, classes, group === undefined ? 'device' : 'group');
    if ('bind' in result) return result;
    problems.push(
      ...result.map(({ offset, message }) =>
        document.problemAt(index, [...written.path, key], message, { offset }),
      ),
    );
    return undefined;
  };
  const condition = compile('condition', written.condition);
  const clear = written.clear === undefined ? undefined : compile('clear', written.clear);
  if (condition === undefined || (written.clear !== undefined && clear === undefined)) return undefined;
  if (clear !== undefined && condition.isAboutSilence !== clear.isAboutSilence) {
    const message = 'Condition and clear must both be about metrics or both about silence_s or presence.';
    problems.push(document.problemAt(index, [...written.path, 'clear'], message));
    return undefined;
  }
  return { condition, clear };
}

function compileRule(
  document: YamlList,
  index: number,
  definition: RuleDefinition,
  { file, line }: TextProblem,
  problems: TextProblem[],
): CompiledRule | undefined {
  const written = stepsOf(definition);
  if ('message' in written) {
    problems.push(document.problemAt(index, written.path, written.message));
    return undefined;
  }
  if (definition.group !== undefined && definition.class.length > 1) {
    const message = 'A rule with "group" counts devices of one class; write a rule for each class.';
    problems.push(document.problemAt(index, ['class'], message));
    return undefined;
  }
  const steps: CheckedStep[] = [];
  for (const [i, step] of written.entries()) {
    const conditions = compileConditions(document, index, definition, step, problems);
    if (conditions === undefined) continue;
    const { severity, for: holdMs, clearFor: clearHoldMs } = step;
    steps.push({ severity, ...conditions, holdMs, clearHoldMs });
    // One with a mistake is not compared with.
    const milder = steps.length === i + 1 ? written[i - 1] : undefined;
    for (const { key, message, offset } of checkStep(step, definition.class, milder))
      problems.push(
        document.problemAt(index, [...step.path, key], message, offset === undefined ? {} : { offset }),
      );
  }
  if (steps.length < written.length) return undefined;
  if (new Set(steps.map(({ condition }) => condition.isAboutSilence)).size > 1) {
    const message = 'All steps must be about metrics, or all about silence_s or presence.';
    problems.push(document.problemAt(index, ['steps'], message));
    return undefined;
  }
  const { id, title, explanation, advice, source, group, mode, class: classes } = definition;
  const { symptom, explains, reach, safety } = definition;
  if (explains === undefined && reach !== undefined) {
    const message = '"reach" says how far "explains" goes; the rule explains nothing.';
    problems.push(document.problemAt(index, ['reach'], message));
    return undefined;
  }
  // A rule that says nothing of causes keeps the version that it had before rules could.
  const versioned = { ...definition, mode: undefined, safety: safety ? true : undefined };
  const version = shortHash(JSON.stringify(versioned));
  return {
    id,
    version,
    title,
    explanation,
    advice,
    source,
    classes,
    group,
    steps,
    mode,
    causality: {
      ...(symptom === undefined ? {} : { symptom }),
      ...(explains === undefined ? {} : { explains }),
      ...(reach === undefined ? {} : { reach }),
      ...(safety ? { safety } : {}),
    },
    file,
    line: line ?? 1,
  };
}

function describeIssue(
  document: YamlList,
  index: number,
  plain: unknown,
  issue: z.core.$ZodIssue,
): readonly TextProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const where = path.length === 0 ? 'The rule' : `"${path.join('.')}"`;
  if (issue.code === 'unrecognized_keys') {
    const known = path.length === 0 ? ruleKeys : path[0] === 'steps' ? stepKeys : ['zh', 'en'];
    return issue.keys.map((key) =>
      document.problemAt(index, path, `There is no key "${key}" here.${didYouMean(key, known)}`, { key }),
    );
  }
  if (path.length > 0 && valueAt(plain, path) === undefined) {
    return [document.problemAt(index, path, `The rule lacks ${where}; it ${issue.message}.`)];
  }
  if (path.length === 0) {
    return [document.problemAt(index, path, 'A rule must be keys with values, beginning with "id:".')];
  }
  return [document.problemAt(index, path, `${where} ${issue.message}.`)];
}

function valueAt(plain: unknown, path: readonly (string | number)[]): unknown {
  let value = plain;
  for (const key of path) value = (value as Record<string | number, unknown> | null | undefined)?.[key];
  return value;
}

/** FNV-1a in hexadecimal: tells wordings of a rule apart, protects nothing. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
