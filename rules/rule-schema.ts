import { z } from 'zod';
import { deviceClasses } from '../devices/device-class.js';
import { severities } from './alarm.js';
import { durationHint, parseDuration } from './duration.js';

const longestHoldMs = 7 * 86_400_000;

const text = z.string({ error: 'must be text' }).trim().min(1, { error: 'must not be empty' });
const bilingual = z.strictObject(
  { zh: text, en: text },
  { error: 'must be texts in both languages, zh: and en:' },
);
const deviceClass = z.enum(deviceClasses, { error: `must be one of ${deviceClasses.join(', ')}` });
const duration = z.string({ error: `must be a duration: ${durationHint}` }).transform((written, context) => {
  const ms = parseDuration(written);
  if (ms === undefined) context.addIssue({ code: 'custom', message: `must be a duration: ${durationHint}` });
  else if (ms > longestHoldMs) context.addIssue({ code: 'custom', message: 'must not be longer than 7d' });
  return ms ?? 0;
});

/** One rule as it is written in a rule file. */
export const ruleSchema = z.strictObject({
  id: z.string({ error: 'must be text' }).regex(/^[a-z0-9][a-z0-9-]{0,63}$/, {
    error: 'must be up to 64 small letters, digits and "-", beginning with a letter or digit',
  }),
  title: bilingual,
  advice: bilingual,
  source: text,
  class: z.union([deviceClass.transform((only) => [only]), z.array(deviceClass).min(1)], {
    error: `must be one of ${deviceClasses.join(', ')}, or a list of them`,
  }),
  severity: z.enum(severities, { error: `must be one of ${severities.join(', ')}` }),
  condition: text,
  for: duration.default(0),
  clear: text.optional(),
  clearFor: duration.default(0),
});

/** A rule whose shape is right; its conditions are still text. */
export type RuleDefinition = z.infer<typeof ruleSchema>;

/** Every key that a rule may have, for hints. */
export const ruleKeys: readonly string[] = Object.keys(ruleSchema.shape);
