import { z } from 'zod';
import { ruleSchema } from './rule-schema.js';

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The JSON Schema of a rule file, for editors: one rule, or a list of rules. */
export function ruleFileSchema(): JsonSchema {
  const { $schema, ...rule } = z.toJSONSchema(ruleSchema, {
    io: 'input',
    // What is taken without it is another type than what is written.
    override: ({ jsonSchema }) => {
      if (jsonSchema.default === 0) delete jsonSchema.default;
    },
  });
  return {
    $schema,
    title: 'Rules of a perception campus',
    description: 'What "campus rules check" takes: one rule, or a list of rules.',
    anyOf: [{ type: 'array', items: { $ref: '#/$defs/rule' }, minItems: 1 }, { $ref: '#/$defs/rule' }],
    $defs: { rule: { ...rule, ...eitherStepsOrOne } },
  };
}

/** What the code says of several keys together (rule-schema.ts, stepsOf). */
const eitherStepsOrOne = {
  if: { required: ['steps'] },
  then: { properties: { severity: false, condition: false, clear: false, for: false, clearFor: false } },
  else: { required: ['severity', 'condition'] },
};
