import { describe, expect, it } from 'vitest';
import { parseRules } from '../../../rules/parse-rules.js';
import { RuleSetError } from '../../../rules/rule-problem.js';

const good = `
id: too-hot
title: { zh: 过热, en: Too hot }
advice: { zh: 开窗, en: Open the windows }
source: Design value
class: sensor
severity: minor
condition: temp_c > 28
for: 15m
`;

function problems(...texts: string[]): string[] {
  try {
    parseRules(texts.map((text, i) => ({ name: `${i + 1}.yaml`, text })));
  } catch (error) {
    if (error instanceof RuleSetError) {
      return error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
    }
    throw error;
  }
  return [];
}

describe('rule files', () => {
  it('hold one rule or a list of them', () => {
    const list = good.trim().split('\n').join('\n  ').replace('too-hot', 'hot-too');
    const rules = parseRules([
      { name: 'one.yaml', text: good },
      { name: 'list.yaml', text: `- ${list}` },
    ]);
    expect(rules).toMatchObject([
      { id: 'too-hot', steps: [{ holdMs: 900_000, clearHoldMs: 0 }], classes: ['sensor'] },
      { id: 'hot-too', steps: [{ holdMs: 900_000, clearHoldMs: 0 }], classes: ['sensor'] },
    ]);
  });

  it('give a rule a version that follows what it says, not how the file looks', () => {
    const version = (text: string) => parseRules([{ name: 'a', text }])[0]?.version;
    expect(version(`# a comment\n${good.replace('  ', ' ')}`)).toBe(version(good));
    expect(version(good.replace('28', '29'))).not.toBe(version(good));
  });

  it.each([
    [
      'a broken line',
      good.replace('class: sensor', 'class sensor'),
      /^1\.yaml:6:1: This line is no "key: value"/,
    ],
    ['a key twice', `${good}for: 5m\n`, /^1\.yaml:10:1: This key stands here twice; /],
    [
      'two documents',
      `${good}---\n${good}`,
      '1.yaml:10:1: A file is one YAML document: remove the line "---" and write one list of rules.',
    ],
    [
      'a tab',
      good.replace('class: sensor', 'class:\n\tsensor'),
      /^1\.yaml:7:1: A line is indented with a tab/,
    ],
    [
      'a quote that stays open',
      good.replace('Design value', '"Design value'),
      /: A quotation mark is opened and not closed\.$/,
    ],
    [
      'a tag',
      good.replace('temp_c > 28', '!(temp_c > 28)'),
      /^1\.yaml:8:12: A text can't begin with "!" unless/,
    ],
    [
      'a time without quotes',
      good.replace('temp_c >', 'mean(temp_c, 5m) >'),
      '1.yaml:8:25: A time goes in quotes: write "5m" in place of 5m.',
    ],
    [
      'nothing',
      '',
      '1.yaml:1:1: The file holds no rules; write one rule, or a list of rules that begin with "- id:".',
    ],
    [
      'a key with a typo',
      good.replace('for:', 'fro:'),
      '1.yaml:9:1: There is no key "fro" here. Did you mean "for"?',
    ],
    [
      'a missing key',
      good.replace('severity: minor\n', ''),
      '1.yaml:2:1: The rule lacks "severity"; it must be one of warning, minor, major, critical.',
    ],
    [
      'a missing language',
      good.replace(', en: Too hot', ''),
      '1.yaml:3:8: The rule lacks "title.en"; it must be text.',
    ],
    [
      'an unknown severity',
      good.replace('minor', 'bad'),
      '1.yaml:7:11: "severity" must be one of warning, minor, major, critical.',
    ],
    [
      'an unknown class',
      good.replace('sensor', 'sensors'),
      '1.yaml:6:8: "class" must be one of sensor, whiteboard, ap, gateway, or a list of them.',
    ],
    [
      'a bad duration',
      good.replace('15m', '15'),
      '1.yaml:9:6: "for" must be a duration: write a whole number and a unit, such as "30s", "10m", "2h" or "1d".',
    ],
    [
      'a bad id',
      good.replace('too-hot', 'Too~hot'),
      '1.yaml:2:5: "id" must be up to 64 small letters, digits and "-", beginning with a letter or digit.',
    ],
    [
      'an unknown metric',
      good.replace('temp_c', 'temp_f'),
      '1.yaml:8:12: "temp_f" is no metric of class sensor. Did you mean "temp_c"?',
    ],
    [
      'a mistake in CEL',
      good.replace('> 28', '=> 28'),
      /^1\.yaml:8:19: The condition can't be read here: write ">=" in place of "=>"\.$/,
    ],
    [
      'a quoted condition',
      good.replace('temp_c > 28', '"temp_c > heat"'),
      '1.yaml:8:22: "heat" is no metric of class sensor.',
    ],
    [
      'a folded condition',
      good.replace('temp_c > 28', '>-\n  temp_c > 28 &&\n    heat > 1'),
      '1.yaml:10:5: "heat" is no metric of class sensor.',
    ],
    [
      'a clear condition of another kind',
      `${good}clear: silence_s > 5\n`,
      '1.yaml:10:8: Condition and clear must both be about metrics or both about silence_s or presence.',
    ],
  ])('with %s are refused, with line, column and what to do', (_, text, expected) => {
    const found = problems(text);
    expect(found[0]).toEqual(
      typeof expected === 'string' ? expect.stringContaining(expected) : expect.stringMatching(expected),
    );
  });

  it('are refused whole with all their mistakes, of all files', () => {
    const found = problems(good, good.replace('minor', 'bad').replace('temp_c', 'heat'), 'hello');
    expect(found.map((problem) => problem.split(': ')[0])).toEqual([
      '2.yaml:7:11',
      '2.yaml:8:12',
      '3.yaml:1:1',
    ]);
  });

  it('must not use an id twice', () => {
    expect(problems(good, `# other\n${good}`)).toEqual([
      '2.yaml:3:5: The id "too-hot" is used already in 1.yaml:2; give one of the two another id.',
    ]);
  });

  it('must not blow up by aliases', () => {
    const bomb = [
      'a: &a [x]',
      ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i] ?? ''},`.repeat(9)}]`),
    ];
    expect(problems(bomb.join('\n'))[0]).toMatch(/^1\.yaml:1:1: The YAML can't be read: /);
  });
});
