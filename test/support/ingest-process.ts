import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../runtime/project-root.js';
import type { SettingName } from '../../runtime/settings.js';
import { eventually } from './eventually.js';

/** An ingest in a process of its own, started as users start it; for tests that kill and stop it. */
export class IngestProcess {
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

  /** Starts it and waits until it follows shards, or stands by. */
  static async start(settings: Partial<Record<SettingName, string>>): Promise<IngestProcess> {
    const child = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'ingest'], {
      env: { PATH: process.env['PATH'], ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ingest = new IngestProcess(child);
    await eventually(
      'the ingest to be ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the ingest ended: ${ingest.output}`);
        return ingest.output.includes('ingest is ready');
      },
      60_000,
    );
    return ingest;
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
