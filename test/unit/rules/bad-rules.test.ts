import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../../rules/engine/engine.js';
import { loadRules } from '../../../rules/load-rules.js';
import { parseRules } from '../../../rules/parse-rules.js';
import { RuleSetError } from '../../../rules/rule-problem.js';
import type { DeviceRef } from '../../../rules/device-ref.js';

type Keys = Readonly<Record<string, string | undefined>>;

function rule(keys: Keys = {}, id = 'r'): string {
  const all: Keys = {
    id,
    title: '{ zh: 规则, en: Rule }',
    advice: '{ zh: 查看, en: Look }',
    source: 'test',
    class: 'sensor',
    severity: 'minor',
    condition: 'temp_c > 28',
    ...keys,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `- ${lines.map(([key, value]) => `${key}: ${value}`).join('\n  ')}\n`;
}

const steps = (...severities: string[]): Keys => ({
  severity: undefined,
  condition: undefined,
  steps: `[${severities.map((severity) => `{ severity: ${severity}, condition: temp_c > 30 }`).join(', ')}]`,
});

function mistakes(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof RuleSetError)) throw error;
    return error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  }
  return [];
}
const refuse = (...texts: string[]) =>
  mistakes(() => parseRules(texts.map((text, i) => ({ name: `${i + 1}.yaml`, text }))));

describe('a rule file with a mistake is refused with its place and what to do:', () => {
  it.each<[string, string, string]>([
    [
      'a metric in a wrong unit',
      rule({ condition: 'co2_mgm3 > 5' }),
      '1.yaml:7:14: "co2_mgm3" is no metric of class sensor. Did you mean "co2_ppm"?',
    ],
    [
      'a condition that can never hold',
      rule({ condition: 'temp_c > 100' }),
      '1.yaml:7:14: It can never hold: temp_c is between -10 and 60 °C.',
    ],
    [
      'a clear that can never hold',
      rule({ clear: 'mean(temp_c, "5m") < -300' }),
      '1.yaml:8:10: It can never hold: temp_c is between',
    ],
    [
      'a clear that holds at once',
      rule({ clear: 'temp_c > 20' }),
      '1.yaml:8:10: The clear condition also holds where the alarm is raised',
    ],
    [
      'a hold longer than events are counted',
      rule({ class: 'ap', condition: 'events("radar", "10m") > 2', for: '1h' }),
      '1.yaml:8:8: It has to hold for longer than it looks back',
    ],
    [
      'a hold longer than a sequence',
      rule({ class: 'ap', condition: 'then(event("radar"), clients == 0, "5m")', for: '6m' }),
      '1.yaml:8:8: It has to hold for longer than it looks back',
    ],
    [
      'a hold of an event',
      rule({ class: 'ap', condition: 'event("radar")', for: '1m' }),
      '1.yaml:8:8: An event is over at once',
    ],
    [
      'a rule that asks for itself',
      rule({ condition: 'active("r")' }),
      '1.yaml:1:7: These rules refer to each other in a circle: "r" → "r".',
    ],
    [
      'rules that ask for each other',
      rule({ condition: 'active("b")' }, 'a') + rule({ condition: 'active("a")' }, 'b'),
      '1.yaml:1:7: These rules refer to each other in a circle: "a" → "b" → "a".',
    ],
    ['a rule that is not there', rule({ condition: 'active("q")' }), '1.yaml:7:21: There is no rule "q".'],
    [
      'an id twice',
      rule() + rule(),
      '1.yaml:8:7: The id "r" is used already in 1.yaml:1; give one of the two another id.',
    ],
    [
      'steps out of order',
      rule(steps('major', 'minor')),
      '1.yaml:6:56: Steps go from the mildest to the most severe; "minor" comes after "major".',
    ],
    [
      'steps beside a condition',
      rule({ ...steps('major'), condition: 'temp_c > 28' }),
      'A rule with "steps" has "condition" in each step, not beside them.',
    ],
    [
      'a hold beside steps',
      rule({ ...steps('major'), for: '5m' }),
      'A rule with "steps" has "for" in each step, not beside them.',
    ],
    [
      'a group of two classes',
      rule({ class: '[ap, sensor]', group: 'site', condition: 'members(silence_s > 300) > 1' }),
      '1.yaml:5:10: A rule with "group" counts devices of one class; write a rule for each class.',
    ],
    [
      'a metric of a group',
      rule({ group: 'site' }),
      '1.yaml:7:14: A rule with "group" is about many devices: ask member_share(condition)',
    ],
    [
      'an unknown event',
      rule({ class: 'ap', condition: 'event("radr")' }),
      '1.yaml:7:20: There is no event of type "radr". Did you mean "radar"?',
    ],
    [
      'an unknown word',
      rule({ condition: 'phase == "lessons"' }),
      '1.yaml:7:23: phase is never "lessons". Did you mean "lesson"?',
    ],
    [
      'a window of nothing',
      rule({ condition: 'mean(temp_c, "0m") > 28' }),
      '1.yaml:7:27: The time of mean must be between 10s and 24h.',
    ],
    [
      'a window of years',
      rule({ condition: 'mean(temp_c, "999999d") > 28' }),
      '1.yaml:7:27: The time of mean must be between 10s and 24h.',
    ],
    ['a hold of years', rule({ for: '999999d' }), '1.yaml:8:8: "for" must not be longer than 7d.'],
    [
      'half an hour as a fraction',
      rule({ for: '0.5h' }),
      '1.yaml:8:8: "for" must be a duration: write a whole number and a unit',
    ],
    [
      'a tab',
      rule().replace('  title', '\ttitle'),
      '1.yaml:2:1: A line is indented with a tab; indent it with blanks.',
    ],
    ['an empty file', '', '1.yaml:1:1: The file holds no rules;'],
    ['an empty list', '[]', '1.yaml:1:1: The file holds no rules;'],
    [
      'brackets without end',
      rule({ condition: `${'('.repeat(500)}temp_c > 1${')'.repeat(500)}` }),
      '1.yaml:7:14: The condition is nested too deeply;',
    ],
    [
      'operators without end',
      rule({ condition: `"${'!'.repeat(3000)}(temp_c > 1)"` }),
      'The condition is nested too deeply;',
    ],
    [
      'a condition of pages',
      rule({ condition: Array.from({ length: 400 }, () => 'temp_c > 1').join(' || ') }),
      '1.yaml:7:14: "condition" must not be longer than 4000 characters.',
    ],
    ['lists in lists without end', '['.repeat(5000), 'The YAML'],
    [
      'rows in rows without end',
      Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}-`).join('\n'),
      'The YAML is nested too deeply here.',
    ],
  ])('%s', (_, text, expected) => {
    expect(refuse(text).join('\n')).toContain(expected);
  });

  it('an id in two files', () => {
    expect(refuse(rule(), rule())).toEqual([
      '2.yaml:1:7: The id "r" is used already in 1.yaml:1; give one of the two another id.',
    ]);
  });
});

describe('a folder of rules', () => {
  let folder: string;
  let catalogue: string;
  beforeEach(async () => {
    [folder, catalogue] = (await Promise.all(
      ['own', 'shipped'].map((name) => mkdtemp(join(tmpdir(), `campus-${name}-`))),
    )) as [string, string];
  });
  afterEach(() => Promise.all([folder, catalogue].map((path) => rm(path, { recursive: true }))));

  it('stands beside the catalogue, and replaces rules of it', async () => {
    await writeFile(join(catalogue, 'a.yaml'), rule({}, 'same') + rule({}, 'shipped'));
    await writeFile(
      join(folder, 'a.yaml'),
      rule({ severity: 'major' }, 'same') + rule({ condition: 'active("shipped")' }, 'own'),
    );
    const rules = await loadRules(folder, catalogue);
    expect(rules.map(({ id, steps: [step] }) => `${id} ${step?.severity}`)).toEqual([
      'same major',
      'shipped minor',
      'own minor',
    ]);
    expect(rules[0]).toMatchObject({
      replaces: `${join(catalogue, 'a.yaml')}:1`,
      file: join(folder, 'a.yaml'),
    });
    expect(await loadRules(catalogue)).toHaveLength(2);
  });

  it('without a file is refused', async () => {
    await writeFile(join(folder, '.a.yaml.swp'), rule());
    await expect(loadRules(folder)).rejects.toThrow(`${folder}: the folder holds no .yaml file with rules.`);
  });

  it('is read with a byte order mark, as editors on Windows write it', async () => {
    await writeFile(join(folder, 'a.yaml'), `\uFEFF${rule()}`);
    expect(await loadRules(folder)).toHaveLength(1);
    await writeFile(join(folder, 'a.yaml'), `\uFEFF${rule({ condition: 'heat > 1' })}`);
    await expect(loadRules(folder)).rejects.toThrow('a.yaml:7:14: "heat" is no metric');
  });

  it.each([
    [
      'GB18030',
      Buffer.from([...Buffer.from('# x\ntitle: '), 0xb9, 0xe6, 0xd4, 0xf2]),
      '2:8: Here is no UTF-8 (the file may be GBK or GB18030); save it as UTF-8.',
    ],
    ['UTF-16', Buffer.from('\uFEFFid: x', 'utf16le'), '1:1: The file is no UTF-8 text; save it as UTF-8.'],
  ])('in %s is refused with the place', async (_, bytes, expected) => {
    await writeFile(join(folder, 'a.yaml'), bytes);
    await expect(loadRules(folder)).rejects.toThrow(`a.yaml:${expected}`);
  });
});

it('10,000 rules are loaded and judged by', () => {
  const many = Array.from({ length: 10_000 }, (_, i) =>
    rule({ condition: `mean(temp_c, "${(i % 50) + 1}m") > ${20 + (i % 13)}` }, `r${i}`),
  );
  const engine = createEngine(parseRules([{ name: 'many.yaml', text: many.join('') }]));
  const device: DeviceRef = { id: 'd1', site: 's1', deviceClass: 'sensor' };
  const reading = { ts: 60_000, seq: 1, boot: 'b', m: { temp_c: 30 }, parts: {} };
  expect(engine.reading(device, reading, 60_000)).toHaveLength(7693);
}, 120_000);
