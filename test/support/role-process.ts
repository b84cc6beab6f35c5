import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../runtime/project-root.js';
import type { Role } from '../../runtime/roles.js';
import type { SettingName } from '../../runtime/settings.js';
import { eventually } from './eventually.js';

/** A role in a process of its own, started as users start it; for tests that kill and stop it. */
export class RoleProcess {
  readonly pid: number;
  /** All it printed. */
  output = '';
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? Number.NaN;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** Starts it and waits until it does its work, or stands by. */
  static async start(name: Role, settings: Partial<Record<SettingName, string>>): Promise<RoleProcess> {
    const child = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), name], {
      env: { PATH: process.env['PATH'], ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const role = new RoleProcess(child);
    await eventually(
      `the ${name} role to be ready`,
      () => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${role.output}`);
        return role.output.includes(`${name} is ready`);
      },
      60_000,
    );
    return role;
  }

  /** Ends it by the signal, and waits until it has. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }

  /** Stops it as a debugger or a laptop's lid does: it lives and does nothing. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }
}
