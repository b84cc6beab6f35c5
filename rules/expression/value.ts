import type { DeviceRef } from '../device-ref.js';
import type { Possible } from './possible.js';
import type { Sight } from './sight.js';

/** Whether there is nothing in a memory yet, by its place. */
export type IsEmpty = (place: number) => boolean;

/** A compiled number; NaN says that it is unknown, because a metric it needs is missing. */
export interface NumberValue {
  readonly kind: 'number';
  readonly read: (sight: Sight) => number;
  /** What it is wherever those memories are empty; undefined, as without it: that depends. */
  readonly given?: ((isEmpty: IsEmpty) => number | undefined) | undefined;
  /** What it is for a device as long as that is registered as it is; without it: that depends. */
  readonly fixed?: ((device: DeviceRef) => number) | undefined;
  /** It is the silence of the device, in seconds. */
  readonly isSilence?: true;
}

/** A compiled word (text); undefined says that it is unknown. `words` are the only ones it can be. */
interface WordValue {
  readonly kind: 'word';
  readonly read: (sight: Sight) => string | undefined;
  readonly words?: readonly string[] | undefined;
  /** The word that says that it may be any of the others: it is this one, and nobody knows whether it is another. */
  readonly unsure?: string | undefined;
  /** What it is called, where it is no metric. */
  readonly name?: string | undefined;
}

/** A compiled yes or no; undefined says that it is unknown. */
export interface TruthValue {
  readonly kind: 'truth';
  readonly read: (sight: Sight) => boolean | undefined;
  /** What it can be wherever those memories are empty; without it: anything. */
  readonly given?: ((isEmpty: IsEmpty) => Possible) | undefined;
  /** Less seconds of silence, and it is not true; without it nobody knows. */
  readonly leastSilence?: ((device: DeviceRef) => number) | undefined;
}

/** Part of an expression with a mistake in it, reported already: what is built on it reports no more. */
export interface BrokenValue {
  readonly kind: 'broken';
}

export type Value = NumberValue | WordValue | TruthValue | BrokenValue;

export const broken: BrokenValue = { kind: 'broken' };

/** A yes or no as evidence shows it. */
export function numberOf(truth: boolean | undefined): number | undefined {
  return truth === undefined ? undefined : truth ? 1 : 0;
}
