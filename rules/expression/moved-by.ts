/** What else than single metrics an expression looks at. */
export interface Uses {
  /** Silence or presence: only the passing of time moves it. */
  silence: boolean;
  /** The passing of time moves it, too. */
  ticks: boolean;
  events: boolean;
  /** Windows and other memories. */
  memories: boolean;
  /** How old a value is. */
  age: boolean;
}

/** What an expression has to be looked at again for. */
export interface MovedBy {
  /** A reading of the device (event time). */
  readonly readings: boolean;
  /** The passing of time. */
  readonly ticks: boolean;
  /** An event of the device (event time). */
  readonly events: boolean;
}

/** What moves an expression that uses this. */
export function movedBy({ silence, ticks, events }: Uses, about: 'device' | 'group'): MovedBy {
  if (about === 'group' || silence) return { readings: false, ticks: true, events: false };
  return { readings: true, ticks, events };
}
