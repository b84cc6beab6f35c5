import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Node } from 'yaml';
import type { TextProblem } from './text-problem.js';
import { describeYamlError, tabSentence } from './yaml-words.js';

type Path = readonly (string | number)[];

/** A YAML file of entries, one or a list of them, that knows where in its text everything stands. */
export interface YamlList {
  /** The entries as plain values; none when the YAML is broken. */
  readonly entries: readonly unknown[];
  /** What is wrong with its YAML. */
  readonly problems: readonly TextProblem[];
  /**
   * The problem with its place: where the value at `path` of the entry stands (with `offset`, at that character
   * of the text there), or its key, or, where it is missing, the nearest thing around it.
   */
  problemAt(entry: number, path: Path, message: string, at?: { offset?: number; key?: string }): TextProblem;
}

/**
 * Parses a file of entries. Never throws; mistakes are its `problems`.
 * @param what the entries are, and the key that each begins with, for whoever wrote none
 */
export function parseYamlList(
  file: string,
  written: string,
  what: { readonly entry: string; readonly firstKey: string },
): YamlList {
  const text = written.replace(/^\uFEFF/, '');
  const lines = new LineCounter();
  const tabbed = [...text.matchAll(/^ *(?=\t[\t ]*\S)/gm)].map(
    ({ index, 0: blanks }) => index + blanks.length,
  );
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = (offset: number, message: string): TextProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const root = document.contents;
  const single = isMap(root);

  const mistakes = [...document.errors, ...document.warnings]
    .sort((a, b) => a.pos[0] - b.pos[0])
    .map((error) => problem(error.pos[0], describeYamlError(error, what.entry)));
  // A tab is a mistake only as an indent, and then the parser stumbles at any other place.
  const problems = firstOfEachLine(
    mistakes.length > 0 && tabbed.length > 0
      ? tabbed.map((offset) => problem(offset, tabSentence))
      : mistakes,
  );
  let entries: unknown[] = [];
  if (problems.length === 0) {
    if (single || (isSeq(root) && root.items.length > 0)) {
      try {
        const plain: unknown = document.toJS();
        entries = single ? [plain] : (plain as unknown[]);
      } catch (error) {
        problems.push(
          problem(0, `The YAML can't be read: ${error instanceof Error ? error.message : String(error)}.`),
        );
      }
    } else {
      problems.push(
        problem(
          0,
          `The file holds no ${what.entry}s; write one ${what.entry}, or a list of ${what.entry}s that begin with "- ${what.firstKey}:".`,
        ),
      );
    }
  }

  return {
    entries,
    problems,
    problemAt: (entry, path, message, at = {}) => {
      const full = single ? path : [entry, ...path];
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

/** One slip of the pen is often several mistakes to the parser. */
function firstOfEachLine(problems: readonly TextProblem[]): TextProblem[] {
  const lines = problems.map(({ line }) => line);
  return problems.filter(({ line }, i) => lines.indexOf(line) === i);
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
