import { userInfo } from 'node:os';
import type { Command } from '../../devices/command.js';

/** Who types, as the audit names it. */
export function operator(): string {
  return `cli:${userInfo().username}`;
}

/** E.g. `set_channel radio=radio5 channel=36`. */
export function describeCommand({ action, args }: Pick<Command, 'action' | 'args'>): string {
  return [action, ...Object.entries(args).map(([name, value]) => `${name}=${String(value)}`)].join(' ');
}

/** The state, with what it failed by. */
export function describeState({ state, failure }: Command): string {
  return failure === undefined ? state : `${state}: ${failure.replaceAll('_', ' ')}`;
}
