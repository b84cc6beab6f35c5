import { createHmac, randomBytes } from 'node:crypto';
import type { ConnectRefusal } from './connect-refusal.js';

const rememberedMs = 30_000;
const maxRemembered = 10_000;

/**
 * Remembers for a while which name and password were refused, so that a device that tries the same again and
 * again costs no look-up. A password is random and never issued twice, so one that was wrong stays wrong until
 * something changes in the registry. Names and passwords are kept as a keyed hash only.
 */
export class RecentRefusals {
  readonly #key = randomBytes(32);
  #refusals = new Map<string, { readonly refusal: ConnectRefusal; readonly until: number }>();

  find(client: string, username: string, password: Buffer): ConnectRefusal | undefined {
    if (this.#refusals.size === 0) return undefined;
    const known = this.#refusals.get(this.#hash(client, username, password));
    return known !== undefined && Date.now() < known.until ? known.refusal : undefined;
  }

  add(client: string, username: string, password: Buffer, refusal: ConnectRefusal): void {
    if (this.#refusals.size >= maxRemembered) this.forget();
    const until = Date.now() + rememberedMs;
    this.#refusals.set(this.#hash(client, username, password), { refusal, until });
  }

  /** Something has changed: what was wrong may be right. */
  forget(): void {
    this.#refusals = new Map();
  }

  #hash(client: string, username: string, password: Buffer): string {
    const lengths = `${client.length} ${username.length} `;
    return createHmac('sha256', this.#key)
      .update(lengths + client + username)
      .update(password)
      .digest('base64');
  }
}
