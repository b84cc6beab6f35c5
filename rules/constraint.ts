/** What a condition asks of one thing that it looks at: a number within limits, or one of some words. */
export type Constraint = NumberConstraint | WordConstraint;

export interface NumberConstraint {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  /** The end itself is not meant. */
  readonly minOpen: boolean;
  readonly maxOpen: boolean;
}

export interface WordConstraint {
  readonly kind: 'word';
  readonly words: ReadonlySet<string>;
  /** Any word but these. */
  readonly isExcept: boolean;
}

/** The numbers for which `number op limit` holds, where the operator is `==` or one that orders. */
export function compared(op: string, limit: number): NumberConstraint {
  const all = { kind: 'number', min: -Infinity, max: Infinity, minOpen: false, maxOpen: false } as const;
  switch (op) {
    case '>':
    case '>=':
      return { ...all, min: limit, minOpen: op === '>' };
    case '<':
    case '<=':
      return { ...all, max: limit, maxOpen: op === '<' };
    default:
      return { ...all, min: limit, max: limit };
  }
}

/** What both ask for; undefined where nothing is left. */
export function intersect(a: Constraint, b: Constraint): Constraint | undefined {
  if (a.kind === 'number' && b.kind === 'number') {
    const min = Math.max(a.min, b.min);
    const max = Math.min(a.max, b.max);
    const minOpen = (a.min === min && a.minOpen) || (b.min === min && b.minOpen);
    const maxOpen = (a.max === max && a.maxOpen) || (b.max === max && b.maxOpen);
    if (min > max || (min === max && (minOpen || maxOpen))) return undefined;
    return { kind: 'number', min, max, minOpen, maxOpen };
  }
  if (a.kind === 'number' || b.kind === 'number') return a;
  if (a.isExcept && b.isExcept) return { ...a, words: new Set([...a.words, ...b.words]) };
  const [some, other] = a.isExcept ? [b, a] : [a, b];
  const words = new Set([...some.words].filter((word) => other.words.has(word) !== other.isExcept));
  return words.size === 0 ? undefined : { kind: 'word', words, isExcept: false };
}

/** Whether all that `a` asks for is also what `b` asks for. */
export function isWithin(a: Constraint, b: Constraint): boolean {
  if (a.kind === 'number' && b.kind === 'number') {
    const above = a.min > b.min || (a.min === b.min && (a.minOpen || !b.minOpen));
    return above && (a.max < b.max || (a.max === b.max && (a.maxOpen || !b.maxOpen)));
  }
  if (a.kind === 'number' || b.kind === 'number') return false;
  if (a.isExcept) return b.isExcept && [...b.words].every((word) => a.words.has(word));
  return [...a.words].every((word) => b.words.has(word) !== b.isExcept);
}

/** The constraint in words that follow "is". */
export function describe(constraint: Constraint): string {
  if (constraint.kind === 'word') {
    const words = [...constraint.words].map((word) => (isTruth(word) ? word : `"${word}"`)).join(' or ');
    return constraint.isExcept ? `anything but ${words}` : words;
  }
  const { min, max, minOpen, maxOpen } = constraint;
  if (min === max) return `exactly ${min}`;
  if (max === Infinity) return `${minOpen ? 'above' : 'at least'} ${min}`;
  if (min === -Infinity) return `${maxOpen ? 'below' : 'at most'} ${max}`;
  return `between ${min} and ${max}`;
}

function isTruth(word: string): boolean {
  return word === 'true' || word === 'false';
}
