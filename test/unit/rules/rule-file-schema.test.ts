import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { deviceClasses } from '../../../devices/device-class.js';
import { metricsOf } from '../../../devices/metric.js';
import { checkExpression } from '../../../rules/expression/compile-expression.js';
import { parseRules } from '../../../rules/parse-rules.js';
import { ruleFileSchema } from '../../../rules/rule-file-schema.js';
import { catalogueFolder } from '../../../runtime/rules-folder.js';

interface ForClass {
  readonly if: { readonly properties: { readonly class: { readonly anyOf: [{ const: string }] } } };
  readonly then: {
    readonly properties: { readonly condition: { description: string; examples: readonly string[] } };
  };
}

const file = join(catalogueFolder, '..', 'rule-file.schema.json');
const validate = new Ajv2020({ allErrors: true }).compile(ruleFileSchema());
const rule = {
  id: 'too-hot',
  title: { zh: '过热', en: 'Too hot' },
  advice: { zh: '开窗', en: 'Open the windows' },
  source: 'Design value',
  class: 'sensor',
};
const step = { severity: 'minor', condition: 'temp_c > 28', for: '5m' };

describe('the JSON Schema of rule files', () => {
  it('is published as the code has it', () => {
    // Mended with: npx campus rules schema > rules/rule-file.schema.json
    expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(ruleFileSchema(), null, 2)}\n`);
  });

  it.each(readdirSync(catalogueFolder))('takes %s, which says where the schema is', (name) => {
    const text = readFileSync(join(catalogueFolder, name), 'utf8');
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
    const [, path = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    expect(join(catalogueFolder, path)).toBe(file);
  });

  it.each([
    ['one rule', { ...rule, ...step }, true],
    ['a list', [{ ...rule, ...step }], true],
    ['steps', { ...rule, steps: [step] }, true],
    ['nothing to judge by', rule, false],
    ['steps and a severity', { ...rule, steps: [step], severity: 'minor' }, false],
    ['an unknown key', { ...rule, ...step, fro: '5m' }, false],
    ['a duration without its unit', { ...rule, ...step, for: '5' }, false],
    ['a hold of years', { ...rule, ...step, for: '999999d' }, false],
    ['the longest holds', { ...rule, ...step, for: '168h', clearFor: '604800s' }, true],
    ['a little longer ones', { ...rule, ...step, for: '10081m', clearFor: '604801s' }, false],
    ['blank text', { ...rule, ...step, source: ' ' }, false],
    ['a blank title', { ...rule, ...step, title: { zh: ' ', en: 'Too hot' } }, false],
    ['a blank condition', { ...rule, ...step, condition: '\t' }, false],
    ['a bad id', { ...rule, ...step, id: 'Too Hot' }, false],
    ['an unknown class', { ...rule, ...step, class: ['sensor', 'robot'] }, false],
    ['a missing language', { ...rule, ...step, title: { en: 'Too hot' } }, false],
  ])('and the rules of the code agree about %s', (_, given, isRight) => {
    expect(validate(given)).toBe(isRight);
    const parsed = () => parseRules([{ name: 'a.yaml', text: JSON.stringify(given) }]);
    if (isRight) expect(parsed()).toHaveLength(1);
    else expect(parsed).toThrow('mistake');
  });

  it('says where a mistake is, not only that there is one', () => {
    expect(validate([{ ...rule, ...step, for: '5' }])).toBe(false);
    expect(validate.errors?.map(({ instancePath }) => instancePath)).toContain('/0/for');
  });

  it.each(deviceClasses)(
    'shows whoever writes a condition on a %s its metrics, and examples that are right',
    (deviceClass) => {
      const { $defs } = ruleFileSchema() as { $defs: { rule: { allOf: ForClass[] } } };
      const of = $defs.rule.allOf.find(
        ({ if: { properties } }) => properties.class.anyOf[0].const === deviceClass,
      );
      const { description = '', examples = [] } = of?.then.properties.condition ?? {};
      for (const metric of Object.keys(metricsOf[deviceClass])) expect(description).toContain(`${metric} (`);
      expect(examples).not.toHaveLength(0);
      for (const condition of examples)
        expect(checkExpression(condition, [deviceClass]), condition).toHaveProperty('bind');
    },
  );

  it('explains every key', () => {
    const { $defs } = ruleFileSchema() as { $defs: { rule: { properties: Record<string, object> } } };
    for (const [key, schema] of Object.entries($defs.rule.properties))
      expect(schema, key).toHaveProperty('description');
  });
});
