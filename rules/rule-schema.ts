import { z } from 'zod';
import { deviceClasses } from '../devices/device-class.js';
import { isWorse, severities } from './alarm.js';
import type { Severity } from './alarm.js';
import { groupKinds } from './group-kind.js';
import { ruleModes } from './rule.js';
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

const severity = z.enum(severities, { error: `must be one of ${severities.join(', ')}` });

/** What takes an alarm to a severity, and down from it again. */
const step = {
  condition: text,
  for: duration.default(0),
  clear: text.optional(),
  clearFor: duration.default(0),
};
const stepSchema = z.strictObject(
  { severity, ...step },
  { error: 'must be steps, each with severity: and condition:' },
);

/** One rule as it is written in a rule file. */
export const ruleSchema = z.strictObject({
  id: z.string({ error: 'must be text' }).regex(/^[a-z0-9][a-z0-9-]{0,63}$/, {
    error: 'must be up to 64 small letters, digits and "-", beginning with a letter or digit',
  }),
  title: bilingual,
  explanation: bilingual.optional(),
  advice: bilingual,
  source: text,
  class: z.union([deviceClass.transform((only) => [only]), z.array(deviceClass).min(1)], {
    error: `must be one of ${deviceClasses.join(', ')}, or a list of them`,
  }),
  group: z.enum(groupKinds, { error: `must be one of ${groupKinds.join(', ')}` }).optional(),
  mode: z.enum(ruleModes, { error: `must be one of ${ruleModes.join(', ')}` }).default('on'),
  severity: severity.optional(),
  ...step,
  condition: text.optional(),
  steps: z
    .array(stepSchema, { error: 'must be a list of steps, each with severity: and condition:' })
    .min(1, { error: 'must have at least one step' })
    .optional(),
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
  const twice = (['severity', 'condition', 'clear'] as const).find((key) => rule[key] !== undefined);
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
