// What npm runs in a fresh clone, with nothing but Node and npm there: it gets the packages and the build in
// place when they are stale, then hands over. No dependencies, and no syntax that an old Node can't read.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const campus = join(root, 'dist', 'cli', 'main.js');
const builtStamp = join(root, 'dist', '.built');

/** What is said without a stack: the sentence is enough. */
class Failure extends Error {
  constructor(sentence, exitCode = 1) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

try {
  process.chdir(root);
  assertNodeVersion();
  const [verb, ...args] = process.argv.slice(2);
  if (verb === 'start') await start(args);
  else if (verb === 'test') await test(args);
  else if (verb === 'bench') await bench(args);
  else throw new Failure(`"${verb}" is none of the verbs start, test and bench.`);
} catch (error) {
  console.error(error instanceof Failure ? error.message : error);
  process.exit(error.exitCode ?? 1);
}

async function start(args) {
  await installPackages();
  await build();
  const bare = args.includes('--no-demo');
  await handOver(campus, [bare ? 'up' : 'demo', ...args.filter((arg) => arg !== '--no-demo')]);
}

async function test(args) {
  await installPackages();
  await step('Lint', bin('eslint', '.'));
  await step('Format', bin('prettier', '--check', '--log-level', 'warn', '.'));
  await step('Types', bin('tsc', '--noEmit'));
  await step('Dead code', bin('knip'));
  await step('Imports', npm('run', '--silent', 'imports'));
  await build();
  await step('Databases', [process.execPath, campus, 'install']);
  // The runner's summary is the last thing shown, and its exit code ours.
  console.log('--> Tests: vitest run');
  process.exitCode = await run(bin('vitest', 'run', ...args));
}

async function bench([name, ...args]) {
  await installPackages();
  await build();
  const programs = join(root, 'dist', 'test', 'bench');
  if (name === undefined || name.startsWith('-') || !existsSync(join(programs, `${name}.js`))) {
    const names = readdirSync(join(root, 'test', 'bench'), { withFileTypes: true })
      .filter((file) => file.isFile() && isBenchmark(join(file.parentPath ?? file.path, file.name)))
      .map((file) => file.name.replace(/\.ts$/, ''));
    throw new Failure(
      `Say which benchmark: npm run bench -- NAME [--json], where NAME is ${names.join(' or ')}.`,
    );
  }
  await handOver(join(programs, `${name}.js`), args);
}

/** Benchmarks report; the other files beside them are their parts. */
function isBenchmark(file) {
  return file.endsWith('.ts') && readFileSync(file, 'utf8').includes("from './report.js'");
}

/**
 * Goes on as that program in this very process, so that signals reach it once and the exit code is its own.
 */
async function handOver(program, args) {
  process.argv = [process.argv[0], program, ...args];
  await import(pathToFileURL(program).href);
}

function assertNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Failure(`Node ${process.versions.node} is too old: install version 20.19 or later.`);
  }
}

async function installPackages() {
  if (packagesAreInstalled()) return;
  // Building and testing needs the development packages even where NODE_ENV says production. Not "npm ci": it
  // refuses a lock file in which a registry could not name the builds of an optional package for other systems.
  // With --no-save the versions of the lock file are installed and the file is left alone.
  await step(
    'Packages',
    npm('install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'),
  );
}

/** Compares what npm says it installed with the lock file; optional packages may be for other systems. */
function packagesAreInstalled() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages(join('node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (path in installed ? installed[path].version === version : optional === true),
  );
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

async function build() {
  const startedAt = new Date();
  const builtAt = existsSync(campus) && existsSync(builtStamp) ? Number(readFileSync(builtStamp, 'utf8')) : 0;
  if (newestSourceAt() < builtAt) return;
  await step('Build', bin('tsc', '-p', 'tsconfig.build.json'));
  // The time before the build: what was changed during it is built again next time.
  writeFileSync(builtStamp, String(startedAt.getTime()));
}

function newestSourceAt() {
  const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'));
  const files = include.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  const all = [...files, 'tsconfig.json', 'tsconfig.build.json', join('node_modules', '.package-lock.json')];
  return Math.max(...all.map((file) => statSync(file).mtimeMs));
}

/** Runs a command with its output in this terminal, says how long it took, and stops at a failure. */
async function step(title, command) {
  const startedAt = Date.now();
  console.log(`--> ${title}: ${shown(command)}`);
  const code = await run(command);
  if (code !== 0) throw new Failure(`<-- ${title}: failed after ${secondsSince(startedAt)}`, code);
  console.log(`<-- ${title}: done in ${secondsSince(startedAt)}`);
}

function run([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', shell: process.platform === 'win32' });
    // Ctrl-C reaches the child by itself; we wait for it. What is sent to us alone is passed on.
    const ignore = () => undefined;
    const pass = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore).on('SIGTERM', pass);
    child.once('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once('exit', (code) => {
      process.off('SIGINT', ignore).off('SIGTERM', pass);
      resolve(code ?? 1);
    });
  });
}

/** The npm that runs us, where it does, else the one on the PATH. */
function npm(...args) {
  const own = process.env.npm_execpath;
  return own?.endsWith('.js') ? [process.execPath, own, ...args] : ['npm', ...args];
}

function bin(name, ...args) {
  return [join('node_modules', '.bin', name), ...args];
}

function shown([program, ...args]) {
  const name = program === process.execPath ? [] : [program.replace(/^node_modules.\.bin./, '')];
  return [...name, ...args.map((arg) => arg.replace(root, '').replace(/^.*npm-cli\.js$/, 'npm'))].join(' ');
}

function secondsSince(at) {
  return `${((Date.now() - at) / 1000).toFixed(1)} s`;
}
