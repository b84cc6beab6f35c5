import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The line of a file's syntax error, which Node tells nobody but its own terminal; undefined where it isn't told. */
export function findSyntaxErrorLine(file: string): number | undefined {
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--check'], {
    input: readFileSync(file),
    encoding: 'utf8',
    timeout: 5000,
  });
  const line = /^\[stdin\]:(\d+)/m.exec(stderr)?.[1];
  return line === undefined ? undefined : Number(line);
}
