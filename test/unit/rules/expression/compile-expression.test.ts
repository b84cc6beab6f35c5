import { describe, expect, it } from 'vitest';
import type { DeviceClass } from '../../../../devices/device-class.js';
import type { MetricValue } from '../../../../devices/telemetry.js';
import { checkExpression } from '../../../../rules/expression/compile-expression.js';
import { negate } from '../../../../rules/expression/expression.js';
import type { Expression } from '../../../../rules/expression/expression.js';
import { Plan } from '../../../../rules/expression/plan.js';
import { Layout } from '../../../../rules/expression/layout.js';
import { createSight } from '../../../../rules/expression/sight.js';
import type { Sight } from '../../../../rules/expression/sight.js';

function compile(text: string, deviceClass: DeviceClass = 'sensor', plan = new Plan()): Expression {
  const result = checkExpression(text, [deviceClass]);
  if (!('bind' in result)) throw new Error(result.map(({ message }) => message).join(' '));
  return result.bind(deviceClass, plan);
}

/** A sight of a device that reported this, one set of metrics after the other, a minute apart. */
function sightOf(plan: Plan, ...reports: readonly Record<string, MetricValue>[]): Sight {
  const sight = createSight();
  let layout = Layout.of(plan.memories);
  for (const [i, metrics] of reports.entries()) {
    sight.at = (i + 1) * 60_000;
    sight.metrics = sight.deviceMetrics = metrics;
    for (const [place, memory] of plan.memories.entries()) {
      const [name = ''] = memory.metrics;
      const value = metrics[name];
      if (value === undefined) continue;
      const taken = typeof value === 'number' ? value : (memory.words?.indexOf(value) ?? NaN);
      const take = () => {
        const start = layout.starts[place] ?? -1;
        return start >= 0 && memory.take(sight.cells, start, layout.sizes[place] ?? 0, taken, sight);
      };
      while (!take()) {
        sight.cells = layout.grown(place).adopt(sight.cells, layout);
        layout = layout.grown(place);
      }
    }
  }
  sight.starts = sight.deviceStarts = layout.starts;
  sight.deviceCells = sight.cells;
  return sight;
}

function test(text: string, metrics: Record<string, MetricValue>, deviceClass: DeviceClass = 'sensor') {
  const plan = new Plan();
  const { test: holds } = compile(text, deviceClass, plan);
  return holds(sightOf(plan, metrics));
}

function mistakes(text: string, deviceClass: DeviceClass = 'sensor') {
  const result = checkExpression(text, [deviceClass]);
  return 'bind' in result ? [] : result.map(({ offset, message }) => `${offset}: ${message}`);
}

describe('a condition', () => {
  it.each([
    ['co2_ppm > 1000', true],
    ['co2_ppm >= 1200 && co2_ppm <= 1200', true],
    ['co2_ppm != 1200', false],
    ['co2_ppm == 1200.0 || false', true],
    ['!(occupied == 1)', false],
    ['-temp_c < 0', true],
    ['temp_c + 2 * 3 - 1 == 30', true],
    ['5 / 2 == 2.5', true],
    ['co2_ppm % 1000 == 200', true],
    ['occupied in [1, 2]', true],
    ['occupied in []', false],
    ['(occupied == 1 ? co2_ppm : 0) > 1000', true],
    ['(occupied == 0 ? temp_c > 0 : temp_c > 99)', false],
    ['(temp_c > 0) == (co2_ppm > 0)', true],
    ['math.greatest(temp_c, 30, 7) == 30 && math.least(temp_c, 30) == 25', true],
    ['interval_s == 60', true],
  ])('%s is %s where CO2 is 1200, temperature 25 and somebody is there', (text, holds) => {
    expect(test(text, { co2_ppm: 1200, temp_c: 25, occupied: 1 })).toBe(holds);
  });

  it('compares words', () => {
    expect(test('power == "on"', { power: 'on' }, 'whiteboard')).toBe(true);
    expect(test('power in ["off", "standby"]', { power: 'on' }, 'whiteboard')).toBe(false);
    expect(test('power != "on"', {}, 'whiteboard')).toBeUndefined();
  });

  it.each([
    ['presence == "stale"', 'stale', true],
    ['presence != "stale"', 'online', true],
    ['presence in ["stale", "offline"]', 'offline', true],
    ['presence in ["stale", "offline"]', 'sleeping', false],
    ['presence == "unknown"', 'unknown', true],
    ['presence != "unknown"', 'online', true],
    // Whose presence is unknown may be stale or not.
    ['presence == "stale"', 'unknown', undefined],
    ['presence != "stale"', 'unknown', undefined],
    ['presence in ["stale", "unknown"]', 'unknown', true],
    ['presence == "stale"', undefined, undefined],
  ] as const)('%s is judged where presence is %s', (text, presence, holds) => {
    const expression = compile(text);
    expect(expression.isAboutSilence).toBe(true);
    expect(expression.test({ ...createSight(), presence })).toBe(holds);
  });

  it('says what presence can not be, and what it can not be combined with', () => {
    expect(mistakes('presence == "slepping"')).toEqual([
      '12: presence is never "slepping". Did you mean "sleeping"?',
    ]);
    expect(mistakes('presence == "stale" && co2_ppm > 1')[0]).toContain('write two rules');
  });

  it.each([
    ['co2_ppm > 0', undefined],
    ['co2_ppm < 1', undefined],
    ['!(co2_ppm > 0)', undefined],
    ['co2_ppm - co2_ppm == 0', undefined],
    ['math.greatest(co2_ppm, 5) > 1', undefined],
    ['mean(co2_ppm, "5m") < 1', undefined],
    ['co2_ppm > 0 && temp_c > 99', false],
    ['temp_c > 99 && co2_ppm > 0', false],
    ['co2_ppm > 0 && temp_c > 0', undefined],
    ['co2_ppm > 0 || temp_c > 0', true],
    ['co2_ppm > 0 || temp_c > 99', undefined],
    ['(co2_ppm > 0 ? temp_c : 0) > 1', undefined],
    ['temp_c / (temp_c - 25) > 0', undefined],
  ])('%s is %s where CO2 is missing: that is not the same as zero', (text, holds) => {
    expect(test(text, { temp_c: 25 })).toBe(holds);
  });

  it('negated is unknown where it is unknown', () => {
    const negated = negate(compile('co2_ppm > 1000'));
    expect(negated.text).toBe('!(co2_ppm > 1000)');
    expect(negated.test(createSight())).toBeUndefined();
  });

  it('says what it looked at, as it is written there', () => {
    const plan = new Plan();
    const expression = compile('mean(co2_ppm, "5m") > 1000 && occupied == 1', 'sensor', plan);
    const sight = sightOf(plan, { co2_ppm: 1000 }, { co2_ppm: 1065.75 }, { co2_ppm: 1034.25, occupied: 1 });
    expect(expression.evidence(sight)).toEqual({
      'mean(co2_ppm, "5m")': 1033.333,
      co2_ppm: 1034.25,
      occupied: 1,
    });
  });

  it.each([
    ['co2_mgm3 > 1', '0: "co2_mgm3" is no metric of class sensor. Did you mean "co2_ppm"?'],
    ['temp_c > 1 && ocupied == 1', '14: "ocupied" is no metric of class sensor. Did you mean "occupied"?'],
    ['constructor == 1', '0: "constructor" is no metric of class sensor.'],
    ['temp_c = 1', '7: The condition can\'t be read here: write "==" to compare.'],
    ['temp_c > 1 and lux > 1', 'write "&&" in place of "and".'],
    [
      'temp_c ＞ 1',
      "7: The condition can't be read here: use the ASCII character in place of the full-width one.",
    ],
    ['temp_c >', "8: The condition can't be read here: something is missing at its end."],
    ['mean(temp_c, 5min) > 1', '13: A time goes in quotes: write "5m" in place of 5min.'],
    ['(temp_c > 1', '11: The condition can\'t be read here: a ")" is missing.'],
    ['temp_c > 28C', '9: A number has no unit behind it: write 28 in place of 28C.'],
    ['temp_c > 28 is true', '12: The condition can\'t be read here: something is wrong before "is true".'],
    ['temp_c + 1', '0: A condition must be true or false; write a comparison, such as "occupied == 1".'],
    [
      'temp_c > "hot"',
      '0: ">" doesn\'t work on a number and a word; a metric that is 0 or 1 is compared like "occupied == 1".',
    ],
    [
      'occupied && temp_c > 1',
      '0: "&&" joins conditions, but its left side is none; write a comparison, such as "occupied == 1".',
    ],
    ['!occupied', '0: "!" negates conditions; write a comparison, such as "occupied == 0".'],
    ['mean(temp_c) > 1', '0: mean needs a metric and a time, such as mean(co2_ppm, "5m").'],
    [
      'mean(temp_c, "5 min") > 1',
      '13: The time of mean is no duration: write a whole number and a unit, such as "30s", "10m", "2h" or "1d".',
    ],
    ['mean(temp_c, "2d") > 1', '13: The time of mean must be between 10s and 24h.'],
    ['avg(temp_c, "5m") > 1', '0: There is no function "avg".'],
    ['quantile(temp_c, "1h") > 1', '0: quantile needs a metric, a share and a time, such as'],
    ['quantile(temp_c, 95, "1h") > 1', '17: The share of a quantile is a number between 0 and 1.'],
    ['share(temp_c, "1h") > 0.5', '6: share needs a condition, such as share(co2_ppm > 1000, "1h").'],
    [
      'share(mean(temp_c, "5m") > 30, "1h") > 0.5',
      '6: The condition in share must be about single readings, not about windows.',
    ],
    ['share(silence_s > 60, "1h") > 0.5', '6: The condition in share must be about metrics.'],
    ['share(tmp_c > 30, "1h") > 0.5', '6: "tmp_c" is no metric of class sensor. Did you mean "temp_c"?'],
    ['temp_c in 3', '0: "in" needs a list on its right, such as power in ["on", "ready"].'],
    [
      'silence_s > 300 && temp_c > 1',
      "0: silence_s and presence can't be combined with metrics or events in one condition; write two rules.",
    ],
    ['temp_c > null', '9: Only numbers, "words", true and false can be written in a condition.'],
  ])('%s is refused with the place and a hint', (text, mistake) => {
    expect(mistakes(text)).toEqual([expect.stringContaining(mistake)]);
  });

  it('names every unknown metric at once', () => {
    expect(mistakes('tmp_c > 1 || hotness > 2')).toHaveLength(2);
  });

  it('refuses a word that the metric never is', () => {
    expect(mistakes('power == "onn"', 'whiteboard')).toEqual([
      '9: The metric is never "onn". Did you mean "on"?',
    ]);
    expect(mistakes('power in ["on", "awake"]', 'whiteboard')[0]).toMatch(/^16: The metric is never "awake"/);
  });

  it('refuses a part of CEL that conditions have no use for', () => {
    expect(mistakes('[1, 2].all(x, x > temp_c)')[0]).toMatch(/can't be used in a condition/);
  });

  it('must fit every class of the rule', () => {
    const result = checkExpression('dns_fail_pct > 5 && clients > 1', ['ap', 'gateway']);
    expect(result).toMatchObject([{ offset: 20, message: '"clients" is no metric of class gateway.' }]);
  });
});
