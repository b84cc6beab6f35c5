import { z } from 'zod';
import { deviceClasses } from '../devices/device-class.js';
import { isWorse, severities } from './alarm.js';
import type { Severity } from './alarm.js';
import { groupKinds } from './group-kind.js';
import { reaches } from './causality.js';
import { ruleModes } from './rule.js';
import { durationHint, durationPattern, parseDuration, weekPattern } from './duration.js';

/** Nobody reads a longer condition. */
export const mostCharacters = 4000;
const longestHoldMs = 7 * 86_400_000;

const text = z
  .string({ error: 'must be text' })
  .trim()
  .min(1, { error: 'must not be empty' })
  // Blanks alone are cut off here; editors have only the pattern to tell by.
  .meta({ pattern: '\\S' });
const bilingual = z.strictObject(
  { zh: text, en: text },
  { error: 'must be texts in both languages, zh: and en:' },
);
const deviceClass = z.enum(deviceClasses, { error: `must be one of ${deviceClasses.join(', ')}` });
const duration = z
  .string({ error: `must be a duration: ${durationHint}` })
  .regex(durationPattern, { error: `must be a duration: ${durationHint}` })
  .meta({ pattern: weekPattern })
  .transform((written, context) => {
    const ms = parseDuration(written) ?? 0;
    if (ms > longestHoldMs) context.addIssue({ code: 'custom', message: 'must not be longer than 7d' });
    return ms;
  });
const hold = (meaning: string) =>
  duration.default(0).describe(`${meaning}: a whole number and s, m, h or d, at most 7d. Left out: at once.`);

const symptom = z.string({ error: 'must be text' }).regex(/^[a-z][a-z0-9-]{0,31}$/, {
  error: 'must be up to 32 small letters, digits and "-", beginning with a letter',
});
const severity = z
  .enum(severities, { error: `must be one of ${severities.join(', ')}` })
  .describe('How bad it is (ITU-T X.733), from warning to critical.');

/** What takes an alarm to a severity, and down from it again. */
const step = {
  condition: text
    .max(mostCharacters, { error: `must not be longer than ${mostCharacters} characters` })
    .describe(
      'When it is raised: an expression (CEL) over metrics, functions and context names; "campus rules functions" ' +
        'lists them. Example: mean(co2_ppm, "5m") > 1000',
    ),
  for: hold('How long the condition must hold before it is raised'),
  clear: text
    .max(mostCharacters, { error: `must not be longer than ${mostCharacters} characters` })
    .optional()
    .describe('When it is over. Left out: when the condition no longer holds.'),
  clearFor: hold('How long that must hold before it is over'),
};
const stepSchema = z.strictObject(
  { severity, ...step },
  { error: 'must be steps, each with severity: and condition:' },
);

/** One rule as it is written in a rule file. */
export const ruleSchema = z.strictObject({
  id: z
    .string({ error: 'must be text' })
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, {
      error: 'must be up to 64 small letters, digits and "-", beginning with a letter or digit',
    })
    .describe('Names the rule for ever: alarms, modes and "active" refer to it.'),
  title: bilingual.describe('What is wrong, in a few words.'),
  explanation: bilingual.optional().describe('What is behind it, for those who wonder.'),
  advice: bilingual.describe('What to do about it; it stands in the mail.'),
  source: text.describe('Where the limit comes from, and how sure that is.'),
  class: z
    .union([deviceClass.transform((only) => [only]), z.array(deviceClass).min(1)], {
      error: `must be one of ${deviceClasses.join(', ')}, or a list of them`,
    })
    .describe('The class of devices that it is for, or a list of classes.'),
  group: z
    .enum(groupKinds, { error: `must be one of ${groupKinds.join(', ')}` })
    .optional()
    .describe(
      'Its alarms are about such a group of devices, and its conditions count them with members and member_share.',
    ),
  symptom: symptom
    .optional()
    .describe(
      'What kind of symptom its alarms are, as a word: another rule can name it in "explains". Left out: nothing ' +
        'explains its alarms, so that they never wait for the alarm of what is above them.',
    ),
  explains: z
    .array(symptom, { error: 'must be a list of symptoms' })
    .min(1, { error: 'must have at least one symptom' })
    .optional()
    .describe(
      'Symptoms that follow from its alarms, in the same device or devices and in whatever is reached through them: ' +
        'alarms of such rules are then part of its incident.',
    ),
  reach: z
    .enum(reaches, { error: `must be one of ${reaches.join(', ')}` })
    .optional()
    .describe(
      'With "explains": not only what is reached through the device, but its whole room, floor, site or district.',
    ),
  safety: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .describe(
      'It is about danger to people: its alarms never wait, and neither maintenance nor another alarm silences them.',
    ),
  mode: z
    .enum(ruleModes, { error: `must be one of ${ruleModes.join(', ')}` })
    .default('on')
    .describe('shadow: evaluated and recorded, and nobody is told. off: not evaluated.'),
  severity: severity.optional(),
  ...step,
  condition: step.condition.optional(),
  steps: z
    .array(stepSchema, { error: 'must be a list of steps, each with severity: and condition:' })
    .min(1, { error: 'must have at least one step' })
    .optional()
    .describe('Severities from the mildest to the most severe, in place of one severity and condition.'),
});

/** A rule whose shape is right; its conditions are still text. */
export type RuleDefinition = z.infer<typeof ruleSchema>;

/** A step of it, from the mildest to the most severe; a rule without steps is one step itself. */
export interface StepDefinition {
  readonly severity: Severity;
  readonly condition: string;
  readonly for: number;
  readonly clear?: string | undefined;
  readonly clearFor: number;
  /** Where it stands in the rule. */
  readonly path: readonly (string | number)[];
}

/** A mistake that is not of one key alone. */
export interface ShapeProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The steps of a rule, or what is wrong with how it gives them. */
export function stepsOf(rule: RuleDefinition): readonly StepDefinition[] | ShapeProblem {
  if (rule.steps === undefined) {
    const { severity, condition } = rule;
    const lacks = (key: string, what: string) => ({
      path: [],
      message: `The rule lacks "${key}"; it must be ${what}. Or give it "steps" with one each.`,
    });
    if (severity === undefined) return lacks('severity', `one of ${severities.join(', ')}`);
    if (condition === undefined) return lacks('condition', 'text');
    return [{ ...rule, severity, condition, path: [] }];
  }
  const beside = ['severity', 'condition', 'clear', 'for', 'clearFor'] as const;
  // A hold that is left out is 0.
  const twice = beside.find((key) => rule[key] !== undefined && rule[key] !== 0);
  if (twice !== undefined) {
    const message = `A rule with "steps" has "${twice}" in each step, not beside them.`;
    return { path: [twice], message };
  }
  const steps = rule.steps.map((each, i) => ({ ...each, path: ['steps', i] }));
  for (const [i, { severity, path }] of steps.entries()) {
    const milder = steps[i - 1]?.severity;
    if (milder !== undefined && !isWorse(severity, milder))
      return {
        path,
        message: `Steps go from the mildest to the most severe; "${severity}" comes after "${milder}".`,
      };
  }
  return steps;
}

/** Every key that a rule may have, for hints. */
export const ruleKeys: readonly string[] = Object.keys(ruleSchema.shape);
/** Every key that a step may have. */
export const stepKeys: readonly string[] = Object.keys(stepSchema.shape);
