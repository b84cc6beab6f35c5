import { InvalidArgumentError } from 'commander';

/** The value of an option such as `--count 20`. */
export function parseCountOption(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return count;
}
