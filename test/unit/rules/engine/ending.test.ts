import { describe, expect, it } from 'vitest';
import type { SchoolPhase } from '../../../../devices/timetable.js';
import type { PresenceState } from '../../../../devices/presence.js';
import type { Transition } from '../../../../rules/alarm.js';
import { emptyCalendar } from '../../../../rules/calendar.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import type { Engine } from '../../../../rules/engine/engine.js';
import { parseRules } from '../../../../rules/parse-rules.js';

const minute = 60_000;
const start = Date.parse('2026-03-02T08:00:00+08:00');
const device = { id: 'd1', site: 's1', deviceClass: 'sensor' } as const;

function rulesOf(...texts: readonly string[]) {
  const list = texts.map(
    (text, i) =>
      `- { id: r${i + 1}, title: { zh: 甲${i + 1}, en: A${i + 1} }, advice: { zh: 乙, en: B }, source: test, class: sensor, ${text} }`,
  );
  return parseRules([{ name: 'r.yaml', text: list.join('\n') }]);
}

const minor = (text: string) => `severity: minor, ${text}`;

interface Moment {
  readonly m?: Record<string, number>;
  readonly event?: string;
  readonly presence?: PresenceState;
  readonly maintenance?: boolean;
  readonly phase?: SchoolPhase;
}

/** Plays moments a minute apart to the rules. */
function play(texts: readonly string[], moments: readonly Moment[]): Transition[] {
  let world: Moment = {};
  const engine: Engine = createEngine(rulesOf(...texts), {
    ...emptyCalendar,
    isInMaintenance: () => world.maintenance ?? false,
    phaseAt: () => world.phase,
  });
  return moments.flatMap((moment, i) => {
    const at = start + i * minute;
    world = { ...world, ...moment };
    const { event, m, presence } = moment;
    if (presence !== undefined) engine.presence(device, { state: presence, excused: false }, at);
    return [
      ...(event === undefined ? [] : engine.event(device, event, at, at)),
      ...(m === undefined ? [] : engine.reading(device, { ts: at, m }, at)),
      ...engine.tick(at),
    ];
  });
}

const hot = { m: { temp_c: 31 } };
const cool = { m: { temp_c: 20 } };

describe('an alarm that clears says what ended it, where that is not the fault', () => {
  it.each([
    ['maintenance', "condition: 'temp_c > 26 && !maintenance'", { maintenance: true }, 'maintenance'],
    [
      'a break',
      'condition: \'temp_c > 26 && phase == "lesson"\'',
      { phase: 'break' },
      '!(phase == "lesson")',
    ],
    [
      'maintenance, in a clear condition of its own',
      "condition: 'temp_c > 26 && !maintenance', clear: 'temp_c < 24 || maintenance'",
      { maintenance: true },
      'maintenance',
    ],
  ] as const)('%s', (_, text, change, clause) => {
    const found = play(
      [minor(text)],
      [
        { ...hot, phase: 'lesson' },
        { ...hot, ...change },
      ],
    );
    expect(found.map(({ kind }) => kind)).toEqual(['raise', 'clear']);
    expect(found[1]?.ending).toEqual({ kind: 'circumstance', clauses: [clause] });
    expect(found[1]?.evidence['temp_c']).toBe(31);
    expect(found[0]?.ending).toBeUndefined();
  });

  it('and not where the fault is gone as well', () => {
    const rule = minor("condition: 'temp_c > 26 && !maintenance'");
    expect(play([rule], [hot, cool])[1]?.ending).toBeUndefined();
    expect(play([rule], [hot, { ...cool, maintenance: true }])[1]?.ending).toBeUndefined();
  });

  it('another alarm, which it names, with what decided as evidence', () => {
    const found = play(
      [minor('condition: \'temp_c > 30 && !active("r2")\''), minor('condition: temp_c > 33')],
      [hot, { m: { temp_c: 34 } }],
    );
    const cleared = found.find(({ kind }) => kind === 'clear');
    expect(cleared).toMatchObject({
      rule: 'r1',
      ending: { kind: 'circumstance', clauses: ['active("r2")'] },
      named: { r2: { zh: '甲2', en: 'A2' } },
      evidence: { temp_c: 34, 'active("r2")': 1 },
    });
  });

  it("an event's moment, which says nothing of what came after it", () => {
    const rule = minor('condition: \'event("tamper") && !maintenance\'');
    const found = play([rule], [{ event: 'tamper' }, cool]);
    expect(found[1]).toMatchObject({
      kind: 'clear',
      ending: { kind: 'moment', clauses: ['!event("tamper")'] },
    });
    const written = minor("condition: 'event(\"tamper\")', clear: 'temp_c < 25'");
    expect(play([written], [{ event: 'tamper' }, cool])[1]?.ending).toBeUndefined();
  });

  it("the end of a sequence's time, while what came second goes on", () => {
    const rule = minor('condition: \'then(event("tamper"), temp_c > 26, "1m")\'');
    const found = play([rule], [{ event: 'tamper', ...hot }, hot, hot]);
    expect(found.map(({ kind, ending }) => [kind, ending?.kind])).toEqual([
      ['raise', undefined],
      ['clear', 'moment'],
    ]);
    expect(play([rule], [{ event: 'tamper', ...hot }, cool])[1]?.ending).toBeUndefined();
  });

  it('presence, unless the device is well again', () => {
    const rule = minor('condition: \'silence_s >= 0 && presence == "offline"\'');
    const gone = play([rule], [{ ...cool, presence: 'offline' }, { presence: 'stale' }]);
    expect(gone[1]?.ending).toEqual({ kind: 'circumstance', clauses: ['!(presence == "offline")'] });
    const back = play(
      [rule],
      [
        { ...cool, presence: 'offline' },
        { ...cool, presence: 'online' },
      ],
    );
    expect(back.map(({ kind, ending }) => [kind, ending])).toEqual([
      ['raise', undefined],
      ['clear', undefined],
    ]);
  });

  it('keeps announced work as evidence', () => {
    const [raised] = play([minor("condition: 'temp_c > 26 && !maintenance'")], [hot]);
    expect(raised?.evidence).toEqual({ temp_c: 31, maintenance: 0 });
  });
});

it('coming down over several steps at once quotes the limit of the mildest', () => {
  const steps =
    'steps: [{ severity: minor, condition: co2_ppm > 1000, clear: co2_ppm < 900 }, ' +
    '{ severity: major, condition: co2_ppm > 2000, clear: co2_ppm < 1800 }, ' +
    '{ severity: critical, condition: co2_ppm > 3000, clear: co2_ppm < 2800 }]';
  const course = (...values: readonly number[]) =>
    play(
      [steps],
      values.map((co2_ppm) => ({ m: { co2_ppm } })),
    ).map(({ kind, severity, condition }) => `${kind} ${severity} ${condition}`);
  expect(course(3500, 700)).toEqual(['raise critical co2_ppm > 3000', 'clear critical co2_ppm < 900']);
  expect(course(3500, 1500)).toEqual(['raise critical co2_ppm > 3000', 'change minor co2_ppm < 1800']);
  expect(course(3500, 2500)).toEqual(['raise critical co2_ppm > 3000', 'change major co2_ppm < 2800']);
});

describe('an alarm whose rule was put in another mode', () => {
  const text = minor('condition: temp_c > 26');
  it.each([
    ['off', 'rule_off'],
    ['shadow', 'rule_shadow'],
  ] as const)('is abandoned because the rule is %s', (mode, reason) => {
    const engine = createEngine(rulesOf(text));
    engine.reading(device, { ts: start, m: { temp_c: 31 } }, start);
    engine.replaceRules(rulesOf(`${text}, mode: ${mode}`));
    expect(engine.takeAbandoned()).toEqual([
      { alarm: expect.stringMatching(/^r1~d1~/) as string, reason, shadow: false },
    ]);
  });

  it('is abandoned as that of a changed rule when it was tried out and is no longer', () => {
    const engine = createEngine(rulesOf(`${text}, mode: shadow`));
    engine.reading(device, { ts: start, m: { temp_c: 31 } }, start);
    engine.replaceRules(rulesOf(text));
    expect(engine.takeAbandoned()).toMatchObject([{ reason: 'rule_changed', shadow: true }]);
  });
});
