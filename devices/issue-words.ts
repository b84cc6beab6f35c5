import type { z } from 'zod';

const typeWords: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  object: 'an object',
  record: 'an object',
  array: 'an array',
  boolean: 'true or false',
};

/** What is wrong with a value, to be put behind its name: `is missing`, `must be a whole number`. */
export function issueWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    // The issue itself does not carry what was there.
    if (issue.message.endsWith('received undefined')) return 'is missing';
    return `must be ${typeWords[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') {
    if (issue.origin === 'string') return 'must not be empty';
    return `must be ${issue.inclusive === true ? 'at least' : 'above'} ${issue.minimum}`;
  }
  if (issue.code === 'too_big') {
    if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
    return `must be ${issue.inclusive === true ? 'at most' : 'below'} ${issue.maximum}`;
  }
  return issue.message;
}
