/** What to do about a folder at a look: nothing, read it, or say that what was read is broken. */
type Step = 'wait' | 'read' | 'complain';

/** Nobody saves a file in pieces that are further apart. */
const quietMs = 400;
/** What is broken for so long is no longer being written. */
const patienceMs = 2000;

/**
 * Decides when an edited folder is to be read: when it has been quiet for a moment, since editors write files in
 * pieces and under other names. What can't be read is complained of when it stays like that.
 */
export class EditWatch {
  #seen: string;
  #seenAt = -Infinity;
  #read: string;
  /** What was read last is broken, and nobody was told yet. */
  #isDoubtful = false;

  /** @param signature of the folder as it was read already */
  constructor(signature: string) {
    this.#seen = signature;
    this.#read = signature;
  }

  /** @param signature differs when anything in the folder does @param at wall ms that only grow */
  look(signature: string, at: number): Step {
    if (signature !== this.#seen) {
      this.#seen = signature;
      this.#seenAt = at;
    }
    const quiet = at - this.#seenAt;
    if (this.#seen !== this.#read) {
      if (quiet < quietMs) return 'wait';
      this.#read = this.#seen;
      this.#isDoubtful = false;
      return 'read';
    }
    if (!this.#isDoubtful || quiet < patienceMs) return 'wait';
    this.#isDoubtful = false;
    return 'complain';
  }

  /** What was read is broken. */
  isBroken(): void {
    this.#isDoubtful = true;
  }
}
