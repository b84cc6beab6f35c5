import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../runtime/app-error.js';
import { ChildLog } from './child-log.js';
import { processIdentity } from '../../runtime/process-identity.js';
import { restartDelayMs } from './restart-delay.js';
import type { ProcessRecord } from './run-record.js';

/** A process to run and to keep running. */
export interface ChildSpec {
  /** As shown in `campus status`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** `message`: the child says so over IPC; else asked again and again until it is `ready`. */
  readonly ready: 'message' | (() => Promise<Readiness>);
}

/** `loading`: it works on its files and may take as long as it needs; `why` says on what, where it is known. */
export type Readiness = 'ready' | 'waiting' | { readonly loading: string };

/** What a child says over IPC. */
export type ChildMessage = { readonly ready: true } | { readonly failed: string };

const readyTimeoutMs = 60_000;

/**
 * A child that is started again, ever more slowly, whenever it dies, until it is stopped. It lives in its
 * own process group: the terminal's Ctrl-C reaches the supervisor alone, which stops things in order.
 */
export class SupervisedChild {
  readonly spec: ChildSpec;
  readonly #log: ChildLog;
  readonly #onChange: (event: string | undefined) => void;
  #process: ChildProcess | undefined;
  #record: ProcessRecord | undefined;
  #restarts = 0;
  #delayMs: number | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  #failure: string | undefined;

  /** @param onChange told when the process was started, when it is ready and, with a sentence, when it died */
  constructor(spec: ChildSpec, onChange: (event: string | undefined) => void) {
    this.spec = spec;
    this.#log = new ChildLog(spec.logFile);
    this.#onChange = onChange;
  }

  get record(): ProcessRecord | undefined {
    return this.#record;
  }

  /**
   * Starts it and resolves when it is ready.
   * @param say told what it is doing while it takes long
   * @throws AppError `child_failed` with the reason when it died or took too long; it is not restarted then
   */
  async start(signal: AbortSignal, say: (doing: string) => void = () => undefined): Promise<void> {
    const child = this.#spawn();
    await this.#untilReady(child, signal, say);
    this.#onEnd(child);
  }

  async #untilReady(child: ChildProcess, signal: AbortSignal, say: (doing: string) => void): Promise<void> {
    const { ready } = this.spec;
    let isReady = false;
    child.on('message', (message) => {
      if ('ready' in (message as ChildMessage)) isReady = true;
    });
    let deadline = Date.now() + readyTimeoutMs;
    while (!isReady) {
      signal.throwIfAborted();
      if (hasEnded(child)) throw this.#failed(`${this.spec.name} ended while starting`);
      if (Date.now() > deadline)
        throw this.#failed(`${this.spec.name} was not ready after ${readyTimeoutMs / 1000} s`);
      await sleep(20);
      if (ready === 'message') continue;
      const readiness = await ready().catch(() => 'waiting' as const);
      isReady = readiness === 'ready';
      if (typeof readiness === 'object') {
        // A large file takes its time; giving up would only make the next start begin anew.
        deadline = Date.now() + readyTimeoutMs;
        say(readiness.loading);
        await sleep(250);
      }
    }
    if (this.#record?.pid !== child.pid || this.#record === undefined) return;
    this.#record = { ...this.#record, ready: true };
    this.#onChange(undefined);
  }

  /** SIGTERM, and SIGKILL when that doesn't end it in time. */
  async stop(graceMs = 30_000): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child && !hasEnded(child)) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(patience);
    }
    this.#log.close();
  }

  /** SIGKILL, without waiting. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#process?.kill('SIGKILL');
  }

  /** Keeps the log file within its size. */
  boundLog(): void {
    this.#log.bound();
  }

  #spawn(): ChildProcess {
    const { command, args, env, name, ready } = this.spec;
    const { fd } = this.#log;
    const child = spawn(command, args, {
      env: { ...env },
      detached: true,
      stdio: ready === 'message' ? ['ignore', fd, fd, 'ipc'] : ['ignore', fd, fd],
    });
    // A program that can't be run has no exit event.
    child.once('error', (error) => (this.#failure = error.message));
    child.on('message', (message: ChildMessage) => {
      if ('failed' in message) this.#failure = message.failed;
    });
    this.#process = child;
    const pid = child.pid ?? 0;
    this.#record = {
      role: name,
      pid,
      restarts: this.#restarts,
      startedAt: Date.now(),
      ready: false,
      identity: processIdentity(pid),
    };
    this.#onChange(undefined);
    return child;
  }

  #onEnd(child: ChildProcess): void {
    const startedAt = this.#record?.startedAt ?? Date.now();
    const restart = (code: number | null, signalName: string | null) => {
      if (this.#stopping) return;
      this.#delayMs = restartDelayMs(this.#delayMs, Date.now() - startedAt);
      const how = signalName ?? `exit code ${code ?? '?'}`;
      const why = this.#failure === undefined ? '' : `: ${this.#failure}`;
      this.#onChange(`${this.spec.name} died (${how})${why}; starting it again in ${this.#delayMs / 1000} s`);
      this.#failure = undefined;
      this.#restart = setTimeout(() => {
        this.#restarts++;
        const again = this.#spawn();
        this.#onEnd(again);
        // One that dies again is started again; one that takes long is left its time, and shown as starting.
        this.#untilReady(again, new AbortController().signal, () => undefined).catch(() => undefined);
      }, this.#delayMs);
    };
    if (hasEnded(child)) restart(child.exitCode, child.signalCode);
    else if (child.pid === undefined) child.once('error', () => restart(null, null));
    else child.once('exit', restart);
  }

  #failed(what: string): AppError {
    const reason = this.#failure ?? `see ${this.spec.logFile}:\n${this.#log.tail()}`;
    return new AppError('child_failed', `${what}: ${reason}`);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}
