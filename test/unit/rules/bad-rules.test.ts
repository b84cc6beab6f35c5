import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../../rules/engine/engine.js';
import { checkReferences, sortByReference } from '../../../rules/check-references.js';
import { loadRules } from '../../../rules/load-rules.js';
import { parseRules } from '../../../rules/parse-rules.js';
import { RuleSetError } from '../../../rules/rule-problem.js';
import type { CheckedStep, CompiledRule } from '../../../rules/rule.js';
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

/** A rule of these conditions, with more keys. */
const on = (condition: string, more: Keys = {}) =>
  rule({
    ...more,
    condition: `'${condition}'`,
    ...(more['clear'] === undefined ? {} : { clear: `'${more['clear']}'` }),
  });
const inSteps = (mild: string, severe: string) =>
  rule({
    severity: undefined,
    condition: undefined,
    steps: `[{ severity: minor, ${mild} }, { severity: major, ${severe} }]`,
  });
const tooLong = 'It has to hold for longer than it looks back';
const high = { condition: 'co2_ppm > 1000' };

/** Conditions that can only be a slip, by what metrics and words can be. */
const conditions: readonly [string, string, string][] = [
  ['a limit that no value reaches', on('rh_pct == 150'), 'It can never hold: rh_pct is between 0 and 100 %.'],
  [
    'that with its sides changed over',
    on('100 < rh_pct'),
    'It can never hold: rh_pct is between 0 and 100 %.',
  ],
  ['a yes or no that is two', on('occupied == 2'), 'It can never hold: occupied is between 0 and 1.'],
  ['what nothing adds up to', on('rh_pct + 1 > 500'), 'It can never hold: rh_pct + 1 is between 1 and 101.'],
  [
    'a spread wider than its metric',
    on('max(rh_pct, "1h") - min(rh_pct, "1h") > 200'),
    'It can never hold: max(rh_pct, "1h") - min(rh_pct, "1h") is between -100 and 100.',
  ],
  [
    'one clause that can never hold',
    on('co2_ppm > 1000 && rh_pct > 150'),
    '1.yaml:7:33: It can never hold: rh_pct',
  ],
  [
    'one way that can never be',
    on('co2_ppm > 1000 || rh_pct > 150'),
    '1.yaml:7:33: This part can never hold: rh_pct',
  ],
  [
    'a share in percent',
    on('share(co2_ppm > 1000, "1h") > 50'),
    'It can never hold: share(co2_ppm > 1000, "1h") is between 0 and 1.',
  ],
  [
    'a share of members in percent',
    on('member_share(co2_ppm > 1000) > 30', { group: 'site' }),
    'is between 0 and 1.',
  ],
  [
    'less than none',
    on('count(co2_ppm, "1h") < 0'),
    'It can never hold: count(co2_ppm, "1h") is at least 0.',
  ],
  [
    'members in a condition that can never hold',
    on('members(rh_pct > 150) > 3', { group: 'site' }),
    '1.yaml:7:23: This part can never hold: rh_pct is between 0 and 100 %.',
  ],
  [
    'a sequence that nothing ends',
    on('not_then(event("reboot"), clients > 5000, "10m")', { class: 'ap' }),
    'This part can never hold: clients is between',
  ],
  [
    'two phases at once',
    on('phase == "lesson" && phase == "night"'),
    `phase can't be "lesson" and "night" at once.`,
  ],
  [
    'two events at once',
    on('event("radar") && event("crash")', { class: 'ap' }),
    `the event can't be "radar" and "crash" at once.`,
  ],
  [
    'clauses that contradict each other',
    on('co2_ppm < 900 && co2_ppm > 950'),
    `It can never hold: co2_ppm can't be below 900 and above 950 at once.`,
  ],
  [
    'that behind a "!"',
    on('!(co2_ppm >= 900 || co2_ppm <= 950)'),
    `can't be below 900 and above 950 at once.`,
  ],
  [
    'two metrics that contradict each other',
    on('lux > lux_board && lux_board >= lux'),
    `It can never hold: lux - lux_board can't be`,
  ],
  ['false', on('false'), 'It can never hold: it is false, whatever is measured.'],
  [
    'true',
    on('true'),
    'It always holds, whatever is measured, so that its alarm would never end; give it a limit.',
  ],
  ['what always holds', on('co2_ppm >= 0 || rh_pct > 50'), 'It always holds, whatever is measured'],
  ['numbers alone', on('1 > 2'), 'It can never hold: it compares numbers that are written in it'],
  ...[
    [
      'a clear that contradicts itself',
      'co2_ppm < 900 && co2_ppm > 950',
      `can't be below 900 and above 950 at once. The alarm would never end.`,
    ],
    ['a clear of numbers', '900 > 1000', 'It can never hold: it compares numbers'],
    [
      'a clear that is false',
      'false',
      'It can never hold: it is false, whatever is measured. The alarm would never end.',
    ],
    [
      'a clear that is true',
      'true',
      'It always holds, whatever is measured, so that the alarm would end at once',
    ],
    [
      'a clear that holds above, too',
      '500 < co2_ppm',
      'The clear condition also holds where the alarm is raised (co2_ppm above 1000)',
    ],
    ['a clear that holds a little above, too', 'co2_ppm < 1100', 'is raised (co2_ppm between 1000 and 1100)'],
    [
      'a clear one of whose ways holds above',
      'co2_ppm < 900 || co2_ppm > 2000',
      'is raised (co2_ppm above 2000)',
    ],
  ].map(([what = '', clear = '', why = '']): [string, string, string] => [
    what,
    on(high.condition, { clear }),
    why,
  ]),
  [
    'a severe step that is milder',
    inSteps('condition: co2_ppm > 1500', 'condition: co2_ppm > 1000'),
    'The step is no more severe than the one before it: it holds whenever that does.',
  ],
  [
    'a severe step that is the same',
    inSteps('condition: co2_ppm > 1500', 'condition: 1500 < co2_ppm'),
    'The step is no more severe than the one before it',
  ],
  ['a hold longer than a growth', on('increase(co2_ppm, "10m") >= 1', { for: '1h' }), tooLong],
  ['a hold longer than a change', on('math.abs(change(temp_c, "5m")) > 5', { for: '1h' }), tooLong],
  ['a hold longer than a shift', on('level_shift(temp_c, "1h") > 3', { for: '3h' }), tooLong],
  [
    'a hold of a step',
    on('math.abs(step(temp_c)) > 5', { for: '10m' }),
    'A step is over with the next reading',
  ],
  ...['!(events("smoke","10m") < 1)', '1 <= events("smoke","10m")', 'events("smoke","10m") == 3'].map(
    (condition): [string, string, string] => [
      `a hold longer than events: ${condition}`,
      on(condition, { for: '1h' }),
      tooLong,
    ],
  ),
];

describe('a rule file with a mistake is refused with its place and what to do:', () => {
  it.each<[string, string, string]>([
    [
      'a metric in a wrong unit',
      rule({ condition: 'co2_mgm3 > 5' }),
      '1.yaml:7:14: "co2_mgm3" is no metric of class sensor. Did you mean "co2_ppm"?',
    ],
    [
      'a condition that can never hold',
      rule({ condition: 'temp_c > 200' }),
      '1.yaml:7:14: It can never hold: temp_c is between -40 and 125 °C.',
    ],
    [
      'a clear that can never hold',
      rule({ clear: 'mean(temp_c, "5m") < -300' }),
      '1.yaml:8:10: It can never hold: mean(temp_c, "5m") is between -40 and 125 °C. The alarm would never end.',
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
    ...conditions,
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

describe('a rule is taken, though it looks like a mistake:', () => {
  it.each<[string, string]>([
    ['a condition that is often true', on('co2_ppm > 0 && occupied != 2')],
    ['one value ruled out, and back', on('battery_pct != 0', { clear: 'battery_pct == 0' })],
    ['a clear about something else', on('co2_ppm > 1000', { clear: 'max(occupied, "10m") == 0' })],
    [
      'a clear that holds for one of two ways',
      on('co2_ppm > 1000 || temp_c > 28', { clear: 'co2_ppm <= 1000 && temp_c <= 28' }),
    ],
    ['either side of the range', on('temp_c < 5 || temp_c > 35', { clear: 'temp_c > 8 && temp_c < 32' })],
    ['other models than two', on('model != "a" && model != "b" && co2_ppm > 1000')],
    [
      'the same for longer as a more severe step',
      inSteps('condition: co2_ppm > 1000', 'condition: co2_ppm > 1000, for: 2h'),
    ],
    [
      'another window as a more severe step',
      inSteps(`condition: 'mean(co2_ppm, "1h") > 1000'`, `condition: 'mean(co2_ppm, "5m") > 900'`),
    ],
    [
      'a counter that grows for longer than the window',
      on('increase(link_errors, "10m") > 100', { class: 'ap', for: '1h' }),
    ],
    ['nothing that changes for longer than the window', on('changes(co2_ppm, "1h") == 0', { for: '3h' })],
    ['a quotient', on('rh_pct / temp_c > 50')],
    [
      'more ways than can be looked at',
      on(Array.from({ length: 9 }, (_, i) => `(co2_ppm > ${1000 + i} || temp_c > ${20 + i})`).join(' && ')),
    ],
  ])('%s', (_, text) => {
    expect(refuse(text)).toEqual([]);
  });

  it('10,000 that refer to each other in a chain, and in a circle they are refused in one line', () => {
    const [one] = parseRules([{ name: '1.yaml', text: rule() }]) as [CompiledRule];
    const [step] = one.steps as [CheckedStep];
    const refersTo = (i: number, next: number): CompiledRule => ({
      ...one,
      id: `r${i}`,
      steps: [{ ...step, condition: { ...step.condition, rules: new Map([[`r${next}`, 0]]) } }],
    });
    const chain = (last: number) =>
      Array.from({ length: 10_000 }, (_, i) => refersTo(i, i < 9999 ? i + 1 : last));
    const problems = (rules: readonly CompiledRule[]) =>
      checkReferences(
        rules.map((each) => ({
          rule: each,
          problemAt: (_, message) => ({ file: '1.yaml', line: 1, column: 1, message }),
        })),
      ).map(({ message }) => message);
    const end = { ...one, id: 'r10000' };
    expect(problems([...chain(10_000), end])).toEqual([]);
    expect(problems(chain(0))).toEqual([
      'These rules refer to each other in a circle: "r0" → "r1" → "r2" → "r3" → … (9996 more) → "r0".',
    ]);
    const sorted = sortByReference([...chain(10_000), end]);
    expect(sorted.slice(0, 3).map(({ id }) => id)).toEqual(['r10000', 'r9999', 'r9998']);
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
