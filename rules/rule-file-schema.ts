import { z } from 'zod';
import { deviceClasses } from '../devices/device-class.js';
import type { DeviceClass } from '../devices/device-class.js';
import { eventTypes } from '../devices/event-type.js';
import { metricsOf } from '../devices/metric.js';
import { contextNames } from './expression/context-names.js';
import { functions } from './expression/functions.js';
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
    // Not "anyOf": of that a validator only says that none of the two fits.
    if: { type: 'array' },
    then: { type: 'array', items: { $ref: '#/$defs/rule' }, minItems: 1 },
    else: { $ref: '#/$defs/rule' },
    $defs: {
      rule: { ...rule, ...eitherStepsOrOne, allOf: deviceClasses.map(conditionsOfClass) },
    },
  };
}

/** What the code says of several keys together (rule-schema.ts, stepsOf). */
const eitherStepsOrOne = {
  if: { required: ['steps'] },
  then: { properties: { severity: false, condition: false, clear: false, for: false, clearFor: false } },
  else: { required: ['severity', 'condition'] },
};

const examples: Readonly<Record<DeviceClass, readonly string[]>> = {
  sensor: [
    'mean(co2_ppm, "5m") > 1000 && max(occupied, "10m") == 1',
    'share(temp_c > 28, "1h") > 0.5 && phase == "lesson"',
    'silence_s > math.greatest(3 * interval_s, 300) && !maintenance',
  ],
  whiteboard: [
    'mean(soc_temp_c, "5m") > 85',
    'power == "on" && phase in ["after_school", "night"]',
    'increase(crash_count, "1h") >= 3',
  ],
  ap: [
    'mean(chan_util_pct, "10m") > 70 && !active("ap-overload")',
    'events("radar", "24h") >= 3',
    'mean(retry_pct, "10m") > 3 * peer_median(retry_pct, "floor")',
  ],
  gateway: [
    'mean(throughput_down_mbps, "1h") < 0.8 * contracted_mbps',
    'quantile(rtt_ms, 0.95, "1h") > 100',
    'link_up == 0',
  ],
};

/** What a condition can be written of, which no schema can check: for whoever has the cursor on it. */
function conditionsOfClass(deviceClass: DeviceClass): JsonSchema {
  const metrics = Object.entries(metricsOf[deviceClass]).map(([name, metric]) => {
    const range = metric.kind === 'word' ? metric.words.join(' | ') : `${metric.en}, ${metric.zh}`;
    return `${name} (${range})`;
  });
  const description = [
    `A condition on a ${deviceClass}. Metrics: ${metrics.join('; ')}.`,
    `Names: ${contextNames.join(', ')}.`,
    `Functions: ${[...Object.keys(functions), 'math.greatest', 'math.least', 'math.abs'].join(', ')}.`,
    `Events: ${eventTypes.join(', ')}. "campus rules functions" explains them all.`,
  ].join('\n');
  const conditions = {
    condition: { description, examples: examples[deviceClass] },
    clear: { description },
  };
  return {
    if: {
      required: ['class'],
      properties: {
        class: { anyOf: [{ const: deviceClass }, { type: 'array', contains: { const: deviceClass } }] },
      },
    },
    then: {
      properties: {
        ...conditions,
        steps: { type: 'array', items: { type: 'object', properties: conditions } },
      },
    },
  };
}
