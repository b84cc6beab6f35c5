import type { YAMLError } from 'yaml';

/**
 * What is wrong with a YAML file and what to do, as one sentence for whoever wrote it.
 * @param entry what the file holds a list of, e.g. `rule`
 */
export function describeYamlError({ code, message }: YAMLError, entry: string): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return `A file is one YAML document: remove the line "---" and write one list of ${entry}s.`;
    case 'TAB_AS_INDENT':
      return 'A line is indented with a tab; indent it with blanks.';
    case 'DUPLICATE_KEY':
      return `This key stands here twice; keep one of the two, or begin another ${entry} with "- ".`;
    case 'MULTILINE_IMPLICIT_KEY':
      return 'This line is no "key: value": its ":" with a blank behind it is missing, or it is not indented like its neighbours.';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'Here is a second ":" for one key; put a text that holds ": " in quotes, and indent the keys of one thing alike.';
    case 'BAD_SCALAR_START':
      return `A text can't begin with "${message.at(-1) ?? ''}" unless it is in quotes.`;
    case 'TAG_RESOLVE_FAILED':
      return 'A text can\'t begin with "!" unless it is in quotes.';
    case 'BAD_DQ_ESCAPE':
      return 'In double quotes a backslash begins an escape; write \'…\' in place of "…".';
    case 'BAD_INDENT':
      return /flow|end with/i.test(message)
        ? 'A "[" or "{" is opened and not closed.'
        : 'This line is not indented like its neighbours.';
    case 'MISSING_CHAR':
      return message.includes('quote')
        ? 'A quotation mark is opened and not closed.'
        : 'This line is no "key: value": its ":" with a blank behind it is missing.';
    case 'UNEXPECTED_TOKEN':
      return describeUnexpected(message);
    default:
      return `The YAML can't be read here (${message.replace(/\.$/, '')}).`;
  }
}

function describeUnexpected(message: string): string {
  if (message.includes('block-seq-ind'))
    return 'A list can\'t begin behind a key: put each "- " on a new line.';
  if (message.includes('scalar at node end'))
    return 'Something stands behind a text in quotes; put the whole value in quotes.';
  const token = /"([^"]*)"$/.exec(message)?.[1];
  return `The YAML can't be read here${token === undefined ? '' : `: the "${token}" belongs to nothing`}.`;
}
