import { accountOf, usernameOf } from '../../devices/account.js';
import type { HeardThrough } from '../../devices/presence.js';

/** A device's id has no colon. */
const mark = 'bridge:';

/** Who the log says that a bridge is. */
export function clientOfBridge(bridge: string): string {
  return mark + bridge;
}

/** Who the log says that a bridge account is: what no bridge can be called. */
export function clientOfAccount(account: string): string {
  return mark + usernameOf(account);
}

/** Whether a client in the log is a bridge, or a bridge account. */
export function isBridge(client: string): boolean {
  return client.startsWith(mark);
}

/** What a client in the log that is a bridge stands for. */
export function parseBridge(client: string): HeardThrough {
  const name = client.slice(mark.length);
  const account = accountOf(name);
  return account === undefined ? { kind: 'bridge', name } : { kind: 'account', name: account };
}
