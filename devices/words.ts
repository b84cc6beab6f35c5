/** How people write one value of a vocabulary: its names, and what else it is called in spreadsheets. */
export interface Word {
  readonly zh: string;
  readonly en: string;
  readonly also?: readonly string[];
}

/** A closed set of values, each with its words. */
export type Vocabulary<Value extends string> = Readonly<Record<Value, Word>>;

/** The value that somebody means by a text, in Chinese or English, however it is spaced; undefined when none. */
export function readWord<Value extends string>(
  vocabulary: Vocabulary<Value>,
  text: string,
): Value | undefined {
  const wanted = plain(text);
  for (const value of valuesOf(vocabulary)) {
    const { zh, en, also = [] } = vocabulary[value];
    if ([value, zh, en, ...also].some((name) => plain(name) === wanted)) return value;
  }
  return undefined;
}

/** The values of a vocabulary in its order. */
export function valuesOf<Value extends string>(vocabulary: Vocabulary<Value>): Value[] {
  return Object.keys(vocabulary) as Value[];
}

/** A text without what people write differently: width, case, spaces, dashes, and a unit in brackets. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\(.*\)/g, '')
    .replace(/[\s_-]+/g, '');
}
