import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseRules } from './parse-rules.js';
import type { CompiledRule } from './rule.js';
import { RuleSetError } from './rule-problem.js';

/**
 * Reads and compiles every `.yaml` and `.yml` file of a folder, in the order of their names.
 * @throws RuleSetError naming file, line and column of every mistake, when there is one in any file, when the
 * folder can't be read, or when it holds no rules.
 */
export async function loadRules(folder: string): Promise<readonly CompiledRule[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  } catch (error) {
    throw fileProblem(folder, describeFolder(folder, error));
  }
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      try {
        return { name: path, text: await readFile(path, 'utf8') };
      } catch (error) {
        throw fileProblem(path, `the file can't be read (${messageOf(error)}).`);
      }
    }),
  );
  if (files.length === 0) {
    throw fileProblem(folder, 'the folder holds no .yaml file with rules.');
  }
  return parseRules(files);
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
