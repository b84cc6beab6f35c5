import { z } from 'zod';
import type { TextProblem } from '../devices/text-problem.js';
import { parseYamlList } from '../devices/yaml-list.js';
import type { YamlList } from '../devices/yaml-list.js';
import { compileExpression, negate } from './expression/compile-expression.js';
import type { Expression } from './expression/compile-expression.js';
import { didYouMean } from '../devices/did-you-mean.js';
import type { CompiledRule } from './rule.js';
import { RuleSetError } from './rule-problem.js';
import { ruleKeys, ruleSchema } from './rule-schema.js';
import type { RuleDefinition } from './rule-schema.js';

/** The text of one rule file; `name` is what its mistakes are reported under. */
export interface RuleFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Compiles the rules of all files, in order.
 * @throws RuleSetError with every mistake of the set: a set with a mistake is refused whole.
 */
export function parseRules(files: readonly RuleFile[]): readonly CompiledRule[] {
  const rules: CompiledRule[] = [];
  const problems: TextProblem[] = [];
  const definedIn = new Map<string, TextProblem>();
  for (const { name, text } of files) {
    const document = parseYamlList(name, text, { entry: 'rule', firstKey: 'id' });
    problems.push(...document.problems);
    document.entries.forEach((plain, index) => {
      const parsed = ruleSchema.safeParse(plain);
      if (!parsed.success) {
        problems.push(
          ...parsed.error.issues.flatMap((issue) => describeIssue(document, index, plain, issue)),
        );
        const rest = conditionsOnly.safeParse(plain);
        if (rest.success) compileConditions(document, index, rest.data, problems);
        return;
      }
      const { id } = parsed.data;
      const place = document.problemAt(index, ['id'], '');
      const first = definedIn.get(id);
      if (first !== undefined) {
        const message = `The id "${id}" is used already in ${first.file}:${first.line}; give one of the two another id.`;
        problems.push({ ...place, message });
      } else {
        definedIn.set(id, place);
      }
      const rule = compileRule(document, index, parsed.data, problems);
      if (rule !== undefined) rules.push(rule);
    });
  }
  if (problems.length > 0) throw new RuleSetError(problems);
  return rules;
}

/** What is left to check of a rule that has other mistakes. */
const conditionsOnly = z.object(ruleSchema.pick({ class: true, condition: true, clear: true }).shape);
type Conditions = z.infer<typeof conditionsOnly>;

function compileConditions(
  document: YamlList,
  index: number,
  written: Conditions,
  problems: TextProblem[],
): { condition: Expression; clear: Expression } | undefined {
  const compile = (key: 'condition' | 'clear', text: string): Expression | undefined => {
    const result = compileExpression(text, written.class);
    if ('test' in result) return result;
    problems.push(
      ...result.map(({ offset, message }) => document.problemAt(index, [key], message, { offset })),
    );
    return undefined;
  };
  const condition = compile('condition', written.condition);
  const clear =
    written.clear === undefined ? condition && negate(condition) : compile('clear', written.clear);
  if (condition === undefined || clear === undefined) return undefined;
  if (condition.kind !== clear.kind) {
    const message = 'Condition and clear must both be about metrics or both about silence_s or presence.';
    problems.push(document.problemAt(index, ['clear'], message));
    return undefined;
  }
  return { condition, clear };
}

function compileRule(
  document: YamlList,
  index: number,
  definition: RuleDefinition,
  problems: TextProblem[],
): CompiledRule | undefined {
  const conditions = compileConditions(document, index, definition, problems);
  if (conditions === undefined) return undefined;
  const { id, title, advice, source, severity } = definition;
  return {
    id,
    version: shortHash(JSON.stringify(definition)),
    title,
    advice,
    source,
    classes: definition.class,
    severity,
    condition: conditions.condition,
    holdMs: definition.for,
    clear: conditions.clear,
    clearHoldMs: definition.clearFor,
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
    const known = path.length === 0 ? ruleKeys : ['zh', 'en'];
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
