/** What a condition can be: unknown always, and these. */
export interface Possible {
  readonly true: boolean;
  readonly false: boolean;
}

export const anything: Possible = { true: true, false: true };
/** It is unknown. */
export const nothing: Possible = { true: false, false: false };

export function certain(holds: boolean): Possible {
  return { true: holds, false: !holds };
}

export function either(a: Possible, b: Possible): Possible {
  return { true: a.true || b.true, false: a.false && b.false };
}

export function both(a: Possible, b: Possible): Possible {
  return { true: a.true && b.true, false: a.false || b.false };
}

export function not(a: Possible): Possible {
  return { true: a.false, false: a.true };
}
