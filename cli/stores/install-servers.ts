import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { AppError } from '../../runtime/app-error.js';
import { findProgram } from './find-program.js';
import { planInstall, serverPrograms } from './install-plan.js';
import type { ServerName } from './install-plan.js';

const alternative =
  'install redis-server (or valkey-server) and influxd yourself, or run "docker compose up -d" with the ' +
  'compose.yaml of this project and set REDIS_URL and INFLUX_URL as its first lines say';

/**
 * Makes sure that the servers' programs are there, installing what is missing with the system's package
 * manager; `say` is told before anything is changed.
 * @returns the path of each program
 * @throws AppError `no_server` with the alternative, when they can't be had
 */
export async function ensureServers<Name extends ServerName>(
  wanted: readonly Name[],
  say: (doing: string) => void,
): Promise<Record<Name, string>> {
  const missing = wanted.filter((name) => findServer(name) === undefined);
  if (missing.length > 0) await install(missing, say);
  const found = wanted.map((name) => {
    const program = findServer(name);
    if (program === undefined) throw new AppError('no_server', `${name} is not on the PATH: ${alternative}.`);
    return [name, program] as const;
  });
  return Object.fromEntries(found) as Record<Name, string>;
}

function findServer(name: ServerName): string | undefined {
  return findProgram(serverPrograms[name]);
}

async function install(missing: readonly ServerName[], say: (doing: string) => void): Promise<void> {
  const plan = planInstall(missing, {
    has: (program) => findProgram([program]) !== undefined,
    isRoot: process.getuid?.() === 0,
    hasSystemd: existsSync('/run/systemd/system'),
  });
  const names = missing.join(' and ');
  if (plan === undefined) {
    throw new AppError('no_server', `${names} is missing and can't be installed from here: ${alternative}.`);
  }
  for (const command of plan.commands) {
    say(`installing ${names}: ${command.join(' ')}`);
    const { code, output } = await run(command);
    if (code !== 0) {
      const reason = output.trim().split('\n').slice(-3).join('; ');
      throw new AppError(
        'no_server',
        `Installing ${names} with ${plan.with} failed (${command.join(' ')}: ${reason}): ${alternative}.`,
      );
    }
  }
  for (const command of plan.afterwards) await run(command);
}

/** Standard input stays the terminal's, so that sudo can ask for the password. */
async function run(command: readonly string[]): Promise<{ code: number; output: string }> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? 1, output };
  } catch (error) {
    return { code: 1, output: String(error) };
  }
}
