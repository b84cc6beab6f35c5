import { InvalidArgumentError, Option } from 'commander';
import { durationHint, parseDuration } from '../rules/duration.js';

/** The value of an option such as `--overlap 24h`, in ms. */
export function parseDurationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`Please ${durationHint}.`);
  return ms;
}

/** An option such as `--expires <duration>`; its default stands in the help as it is typed. */
export function durationOption(flags: string, description: string, fallback: string): Option {
  return new Option(flags, description)
    .argParser(parseDurationOption)
    .default(parseDurationOption(fallback), fallback);
}
