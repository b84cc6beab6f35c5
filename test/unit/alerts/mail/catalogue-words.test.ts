import { join } from 'node:path';
import { expect, it } from 'vitest';
import { wordCel } from '../../../../alerts/mail/condition-words.js';
import { explainCondition } from '../../../../alerts/mail/value-words.js';
import { metricsOf } from '../../../../devices/metric.js';
import { contextNames } from '../../../../rules/expression/context-names.js';
import { functions } from '../../../../rules/expression/functions.js';
import { loadRules } from '../../../../rules/load-rules.js';

const rules = await loadRules(join(import.meta.dirname, '../../../../rules/catalogue'));
const languages = ['zh', 'en'] as const;

/** What nobody must find in a mail: names that rules are written in, operators of the language, and gaps. */
function leftovers(said: string, names: readonly string[]): string[] {
  const raw = names.filter((name) => name.includes('_') && said.includes(name));
  return [...raw, ...(/&&|\|\||==|!=|!\(|math\.|[a-z_]\(|undefined|\{|\(\)|（）|…/.exec(said) ?? [])];
}

it.each(rules.map((rule) => [rule.id, rule] as const))(
  'conditions of %s are said in plain words',
  (_, rule) => {
    for (const deviceClass of rule.classes) {
      const names = [...Object.keys(metricsOf[deviceClass]), ...contextNames, ...Object.keys(functions)];
      const texts = rule.steps.flatMap(({ condition, clear }) => [
        condition.text,
        clear?.text ?? `!(${condition.text})`,
      ]);
      for (const text of texts) {
        for (const language of languages) {
          const said = explainCondition(deviceClass, text, language);
          expect([said, leftovers(said, names)]).toEqual([said, []]);
          if (language === 'en') expect(said.replace(/[“”×÷≥≤≠°µ³]/g, '')).toMatch(/^[\x20-\x7e]*$/);
        }
      }
    }
  },
);

/** A condition, since some functions give no number. */
const classOf = (usage: string) =>
  (['sensor', 'ap', 'gateway', 'whiteboard'] as const).find((deviceClass) =>
    Object.keys(metricsOf[deviceClass]).some((metric) => new RegExp(`\\b${metric}\\b`).test(usage)),
  ) ?? 'ap';

it.each(Object.entries(functions).map(([name, { usage }]) => [name, usage] as const))(
  'the function %s has words',
  (name, usage) => {
    for (const language of languages) {
      const said = wordCel(usage, { deviceClass: classOf(usage), language })?.text ?? '';
      expect(leftovers(said, [...contextNames, ...Object.keys(functions)])).toEqual([]);
      expect(said).not.toBe(name);
    }
  },
);

it.each(contextNames)('the name %s has words', (name) => {
  expect(wordCel(name, { deviceClass: 'ap', language: 'zh' })?.text).toMatch(/\p{Script=Han}/u);
});
