import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Node } from 'yaml';
import type { RuleProblem } from './rule-problem.js';

type Path = readonly (string | number)[];

/** One rule file, parsed as YAML, that knows where in its text everything stands. */
export interface RuleDocument {
  /** The file's rules as plain values; empty when its YAML is broken. */
  readonly rules: readonly unknown[];
  /** What is wrong with its YAML. */
  readonly problems: readonly RuleProblem[];
  /**
   * The problem with its place: where the value at `path` of the rule stands (with `offset`, at that character
   * of the text there), or its key, or, where it is missing, the nearest thing around it.
   */
  problemAt(rule: number, path: Path, message: string, at?: { offset?: number; key?: string }): RuleProblem;
}

/** Parses a rule file: one rule, or a list of rules. Never throws; mistakes are its `problems`. */
export function parseRuleDocument(file: string, text: string): RuleDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = (offset: number, message: string): RuleProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const root = document.contents;
  const single = isMap(root);

  const problems = [...document.errors, ...document.warnings].map((error) =>
    problem(error.pos[0], `The YAML is wrong: ${error.message.replace(/\.$/, '')}.`),
  );
  let rules: unknown[] = [];
  if (problems.length === 0) {
    if (single || isSeq(root)) {
      try {
        const plain: unknown = document.toJS();
        rules = single ? [plain] : (plain as unknown[]);
      } catch (error) {
        problems.push(
          problem(0, `The YAML can't be read: ${error instanceof Error ? error.message : String(error)}.`),
        );
      }
    } else {
      problems.push(
        problem(0, 'The file holds no rules; write one rule, or a list of rules that begin with "- id:".'),
      );
    }
  }

  return {
    rules,
    problems,
    problemAt: (rule, path, message, at = {}) => {
      const full = single ? path : [rule, ...path];
      let node: Node | undefined = isNode(root) ? root : undefined;
      for (const step of full) {
        const next: unknown = isMap(node) || isSeq(node) ? node.get(step, true) : undefined;
        if (!isNode(next)) break;
        node = next;
      }
      if (at.key !== undefined && isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && item.key.value === at.key);
        if (pair !== undefined && isNode(pair.key)) node = pair.key;
      }
      return problem(offsetIn(node, text, at.offset), message);
    },
  };
}

/**
 * Where the `offset`th character of a scalar's value stands in the file. Folding changes only blanks, so the
 * characters that aren't blank are counted.
 */
function offsetIn(node: Node | undefined, text: string, offset: number | undefined): number {
  const start = node?.range?.[0] ?? 0;
  if (offset === undefined || !isScalar(node) || typeof node.value !== 'string') return start;
  let at = start;
  if (node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL') at = text.indexOf('\n', start) + 1;
  else if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') at = start + 1;
  const end = node.range?.[1] ?? text.length;
  let before = node.value.slice(0, offset).replace(/\s/g, '').length;
  const atEnd = node.value.slice(offset).trim() === '';
  for (; at < end; at++) {
    if (/\s/.test(text.charAt(at))) continue;
    if (before === 0) return at;
    before--;
    // Past its last character: where the missing thing would have to be written.
    if (before === 0 && atEnd) return at + 1;
  }
  return at;
}
