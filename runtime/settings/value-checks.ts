import { z } from 'zod';

/** A number; one sentence for all that can be wrong with it. */
export const number = (hint: string, isRight: (value: number) => boolean) =>
  z.coerce.number({ error: `must be ${hint}` }).refine(isRight, { error: `must be ${hint}` });

export const wholeNumber = (hint: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  number(hint, (value) => Number.isInteger(value) && value >= least && value <= most);

export const count = wholeNumber('a whole number above 0', 1);
export const seconds = number('a number of seconds above 0', (value) => value > 0);
export const days = number('a number of days above 0', (value) => value > 0);
export const port = wholeNumber('a port number, 1 to 65535', 1, 65_535);
export const portOrOff = wholeNumber('a port number, 1 to 65535, or 0 for off', 0, 65_535);

/** Text that is not empty. */
export const text = z.string().min(1);

export const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });

/** @param protocols such as `http:` */
export const url = (...protocols: string[]) =>
  z.string().refine((given) => URL.canParse(given) && protocols.includes(new URL(given).protocol), {
    error: `must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

export const flag = z.union(
  [z.enum(['0', '1', 'true', 'false']).transform((word) => word === '1' || word === 'true'), z.boolean()],
  { error: 'must be 0, 1, true or false' },
);

/** Whether each address is one is checked by who parses them. */
export const mailAddresses = z.string().refine((given) => given.includes('@'), {
  error: 'must be a mail address such as ops@example.org or Duty <ops@example.org>',
});
