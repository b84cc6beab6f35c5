import { addressGroup } from '../../runtime/address-group.js';

/** Which cap a connection met. */
export type SocketCapReason = 'sockets' | 'sockets_per_address';

/** Counts connections, in all and by where they come from, against two caps. */
export class SocketCap {
  readonly #caps: { readonly total: number; readonly perAddress: number };
  readonly #byGroup = new Map<string, number>();
  #total = 0;

  constructor(caps: { readonly total: number; readonly perAddress: number }) {
    this.#caps = caps;
  }

  /** Connections counted now. */
  get total(): number {
    return this.#total;
  }

  /** Counts one in and returns what counts it out (once, however often called), or says which cap it met. */
  enter(address: string): SocketCapReason | (() => void) {
    if (this.#total >= this.#caps.total) return 'sockets';
    const group = addressGroup(address);
    const ofGroup = this.#byGroup.get(group) ?? 0;
    if (ofGroup >= this.#caps.perAddress) return 'sockets_per_address';
    this.#total++;
    this.#byGroup.set(group, ofGroup + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#total--;
      const left = (this.#byGroup.get(group) ?? 1) - 1;
      if (left > 0) this.#byGroup.set(group, left);
      else this.#byGroup.delete(group);
    };
  }
}
