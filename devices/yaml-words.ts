import type { ErrorCode, YAMLError } from 'yaml';

const noPair = 'This line is no "key: value": its ":" with a blank behind it is missing';

export const tabSentence = 'A line is indented with a tab; indent it with blanks.';

/** Sentences for what people get wrong; `entry` is what the file holds a list of. */
const sentences: Partial<Record<ErrorCode, (message: string, entry: string) => string>> = {
  MULTIPLE_DOCS: (_, entry) =>
    `A file is one YAML document: remove the line "---" and write one list of ${entry}s.`,
  TAB_AS_INDENT: () => tabSentence,
  DUPLICATE_KEY: (_, entry) =>
    `This key stands here twice; keep one of the two, or begin another ${entry} with "- ".`,
  MULTILINE_IMPLICIT_KEY: () => `${noPair}, or it is not indented like its neighbours.`,
  BLOCK_AS_IMPLICIT_KEY: () =>
    'Here is a second ":" for one key; put a text that holds ": " in quotes, and indent the keys of one thing alike.',
  BAD_SCALAR_START: (message) => `A text can't begin with "${message.at(-1) ?? ''}" unless it is in quotes.`,
  TAG_RESOLVE_FAILED: () => 'A text can\'t begin with "!" unless it is in quotes.',
  BAD_DQ_ESCAPE: () => 'In double quotes a backslash begins an escape; write \'…\' in place of "…".',
  BAD_INDENT: (message) =>
    /flow|end with/i.test(message)
      ? 'A "[" or "{" is opened and not closed.'
      : 'This line is not indented like its neighbours.',
  MISSING_CHAR: (message) =>
    message.includes('quote') ? 'A quotation mark is opened and not closed.' : `${noPair}.`,
  UNEXPECTED_TOKEN: (message) => {
    if (message.includes('block-seq-ind'))
      return 'A list can\'t begin behind a key: put each "- " on a new line.';
    if (message.includes('scalar at node end'))
      return 'Something stands behind a text in quotes; put the whole value in quotes.';
    const token = /"([^"]*)"$/.exec(message)?.[1];
    return `The YAML can't be read here${token === undefined ? '' : `: the "${token}" belongs to nothing`}.`;
  },
};

/**
 * What is wrong with a YAML file and what to do, as one sentence for whoever wrote it.
 * @param entry what the file holds a list of, e.g. `rule`
 */
export function describeYamlError({ code, message }: YAMLError, entry: string): string {
  if (message.includes('call stack')) return 'The YAML is nested too deeply here.';
  return sentences[code]?.(message, entry) ?? `The YAML can't be read here (${message.replace(/\.$/, '')}).`;
}
