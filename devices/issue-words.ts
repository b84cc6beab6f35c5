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
  switch (issue.code) {
    case 'invalid_type':
      // The issue itself does not carry what was there.
      if (issue.message.endsWith('received undefined')) return 'is missing';
      return `must be ${typeWords[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be ${bound('above', 'at least', issue)}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${issue.maximum} characters`
        : `must be ${bound('below', 'at most', issue)}`;
    default:
      return issue.message;
  }
}

function bound(
  without: string,
  within: string,
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
): string {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  return `${issue.inclusive === true ? within : without} ${limit}`;
}
