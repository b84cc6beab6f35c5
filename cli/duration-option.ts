import { InvalidArgumentError } from 'commander';
import { durationHint, parseDuration } from '../rules/duration.js';

/** The value of an option such as `--overlap 24h`, in ms. */
export function parseDurationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`Please ${durationHint}.`);
  return ms;
}
