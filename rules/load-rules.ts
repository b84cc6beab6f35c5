import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
    throw folderProblem(folder, `The folder of rules can't be read (${reasonOf(error)}); check RULES_DIR.`);
  }
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      try {
        return { name: path, text: await readFile(path, 'utf8') };
      } catch (error) {
        throw folderProblem(path, `The file can't be read (${reasonOf(error)}).`);
      }
    }),
  );
  if (files.length === 0) {
    throw folderProblem(folder, 'The folder holds no .yaml file with rules; check RULES_DIR.');
  }
  return parseRules(files);
}

function folderProblem(file: string, message: string): RuleSetError {
  return new RuleSetError([{ file, line: 1, column: 1, message }]);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
