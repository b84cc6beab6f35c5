import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PublishOrder, PublishResult } from './publisher.js';

/** Runs an order in a publisher process and returns what it measured. */
export async function publishFromProcess(order: PublishOrder): Promise<PublishResult> {
  const child = fork(join(import.meta.dirname, 'publisher-process.js'));
  child.send(order);
  const [answer] = (await once(child, 'message')) as [{ result?: PublishResult; error?: string }];
  if (answer.result === undefined) throw new Error(`the publisher failed: ${answer.error ?? 'no result'}`);
  return answer.result;
}

/** Forks a script of this folder, waits for its first message, and returns both. */
export async function startProcess(
  script: string,
  ...args: string[]
): Promise<{ child: ChildProcess; ready: unknown }> {
  const child = fork(join(import.meta.dirname, script), args);
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ended with code ${String(code)} before it was ready`);
  });
  const [ready] = (await Promise.race([once(child, 'message'), exited])) as [unknown];
  exited.catch(() => undefined);
  return { child, ready };
}

/** Ends a child of ours and waits until it has. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
