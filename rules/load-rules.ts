import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeForeignText } from './foreign-text.js';
import { parseRules } from './parse-rules.js';
import type { RuleFile } from './parse-rules.js';
import type { CompiledRule } from './rule.js';
import { RuleSetError } from './rule-problem.js';

/**
 * Reads and compiles the rules of a folder. With a catalogue, its rules are there, too, unless one of the folder has
 * the same id and so replaces it.
 * @throws RuleSetError naming file, line and column of every mistake
 */
export async function loadRules(folder: string, catalogue?: string): Promise<readonly CompiledRule[]> {
  return parseRules(await readRuleFiles(folder, catalogue));
}

/**
 * Reads every `.yaml` and `.yml` file of the folder, in the order of their names, and of the catalogue before it.
 * @throws RuleSetError when a folder or file can't be read, isn't UTF-8, or there is none
 */
export async function readRuleFiles(folder: string, catalogue?: string): Promise<readonly RuleFile[]> {
  const own = await readFolder(folder);
  if (catalogue === undefined || catalogue === folder) return own;
  const shipped = await readFolder(catalogue);
  return [...shipped.map((file) => ({ ...file, isReplaceable: true })), ...own];
}

async function readFolder(folder: string): Promise<readonly RuleFile[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter(isRuleFile).sort();
  } catch (error) {
    throw fileProblem(folder, describeFolder(folder, error));
  }
  if (names.length === 0) throw fileProblem(folder, 'the folder holds no .yaml file with rules.');
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      let bytes: Buffer;
      try {
        bytes = await readFile(path);
      } catch (error) {
        throw fileProblem(path, `the file can't be read (${messageOf(error)}).`);
      }
      const problem = describeForeignText(bytes);
      if (problem !== undefined) throw new RuleSetError([{ file: path, ...problem }]);
      return { name: path, text: new TextDecoder().decode(bytes) };
    }),
  );
}

/** Whether a file of that name is read; those that editors keep beside it (`.a.yaml.swp`, `#a.yaml#`) are not. */
export function isRuleFile(name: string): boolean {
  return /^[^.#].*\.ya?ml$/.test(name);
}

function fileProblem(file: string, message: string): RuleSetError {
  return new RuleSetError([{ file, message }]);
}

function describeFolder(folder: string, error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === 'ENOENT') return 'there is no such folder of rules.';
  if (code === 'ENOTDIR')
    return `this is no folder; name the folder that holds the rule files (${dirname(folder)}).`;
  return `the folder of rules can't be read (${messageOf(error)}).`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
