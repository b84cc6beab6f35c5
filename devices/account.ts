import type { KeptSecret } from './credential.js';
import type { Site } from './site.js';

/**
 * `operator`: sees what its sites' devices send, and sends nothing. `bridge`: sends for devices of its sites
 * that speak another protocol, and gets their commands.
 */
export const accountKinds = ['operator', 'bridge'] as const;
export type AccountKind = (typeof accountKinds)[number];

/**
 * What the person behind an operator's account may do to devices, beside seeing what they send: nothing, send them
 * commands, or also agree to what others want. Each may what those before it may.
 */
export const accountRoles = ['viewer', 'operator', 'approver'] as const;
export type AccountRole = (typeof accountRoles)[number];

/** Who is no device and may connect all the same. */
export interface Account {
  readonly name: string;
  readonly kind: AccountKind;
  /** Of an operator; absent: a viewer. Over MQTT an account sends no command, whatever its role. */
  readonly role?: AccountRole | undefined;
  /** Its sites, and the districts all of whose sites are its own. */
  readonly sites: readonly string[];
  readonly districts: readonly string[];
  /** Newest first; none: revoked. */
  readonly secrets: readonly KeptSecret[];
}

/** The MQTT user name of an account starts with this, which no device id does. */
const mark = '@';

export function usernameOf(account: string): string {
  return mark + account;
}

/** The account that a user name is of; undefined: it is not an account's. */
export function accountOf(username: string): string | undefined {
  return username.startsWith(mark) ? username.slice(mark.length) : undefined;
}

/** Whether the account's role is this one or a higher one. */
export function hasRole({ kind, role = 'viewer' }: Account, wanted: AccountRole): boolean {
  return kind === 'operator' && accountRoles.indexOf(role) >= accountRoles.indexOf(wanted);
}

/** The ids of the sites that the account now has, sorted. */
export function sitesOf(account: Account, registered: Iterable<Site>): string[] {
  const sites = new Set(account.sites);
  for (const { id, district } of registered) if (account.districts.includes(district)) sites.add(id);
  return [...sites].sort();
}
