/**
 * The last activation of a rule: up to when it was, by event time, and which it is of those that began at the same
 * time.
 */
export interface Activation {
  readonly upTo: number;
  readonly number: number;
}

/** What alarms are raised for; keeps the last activation of each rule by its id, as long as it has to be known. */
export interface Activated {
  activations: Map<string, Activation> | undefined;
}

/** Which activation of those that may have begun at the same time the rule's present, or last, one is; 0: the first. */
export function activationOf({ activations }: Activated, rule: string): number {
  return activations?.get(rule)?.number ?? 0;
}

/**
 * An alarm was raised. Late readings, and events of one millisecond, can raise, clear and raise it while event time
 * stands still: its id would be that of the one before.
 */
export function noteRaise(subject: Activated, rule: string, at: number): void {
  const last = subject.activations?.get(rule);
  if (last === undefined) return;
  if (at <= last.upTo) subject.activations?.set(rule, { ...last, number: last.number + 1 });
  else subject.activations?.delete(rule);
}

/** The alarm that was raised at a time ended at another. */
export function noteEnd(subject: Activated, rule: string, raisedAt: number, at: number): void {
  const last = subject.activations?.get(rule);
  const upTo = Math.max(raisedAt, at, last?.upTo ?? -Infinity);
  subject.activations ??= new Map();
  subject.activations.set(rule, { upTo, number: last?.number ?? 0 });
}

/** As kept in the checkpoint: upTo and number by rule. */
export type SavedActivations = Readonly<Record<string, readonly [upTo: number, number: number]>>;

export function saveActivations({ activations }: Activated): SavedActivations | undefined {
  if (activations === undefined || activations.size === 0) return undefined;
  return Object.fromEntries([...activations].map(([rule, { upTo, number }]) => [rule, [upTo, number]]));
}

/** The inverse of `saveActivations`. */
export function restoreActivations(subject: Activated, saved: SavedActivations | undefined): void {
  if (saved === undefined) return;
  subject.activations = new Map(
    Object.entries(saved).map(([rule, [upTo, number]]) => [rule, { upTo, number }]),
  );
}
