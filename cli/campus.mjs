#!/usr/bin/env node
// The `campus` command: the built program, built first where it isn't yet.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const inProject = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const main = inProject('dist/cli/main.js');
const tsc = inProject('node_modules/typescript/bin/tsc');

if (!existsSync(main) && existsSync(tsc)) {
  console.error('Building first …');
  // On standard error: standard output is the verb's, and may be JSON.
  spawnSync(process.execPath, [tsc, '-p', inProject('tsconfig.build.json')], { stdio: ['ignore', 2, 2] });
}
if (existsSync(main)) {
  await import(new URL('../dist/cli/main.js', import.meta.url).href);
} else {
  console.error('campus: it is not built yet: run "npm start" once in the project folder.');
  process.exitCode = 1;
}
