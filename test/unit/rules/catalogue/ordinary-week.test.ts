import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Backtest } from '../../../../rules/backtest/backtest.js';
import { loadRules } from '../../../../rules/load-rules.js';
import { demoCampus, ordinaryCampus } from './ordinary-campus.js';

const rules = await loadRules(join(import.meta.dirname, '../../../../rules/catalogue'));

const days = 3;
const minutes = 10;
/** What one operator of a hundred campuses can take: 150 a day (EEMUA 191). */
const callsPerCampusAndDay = 1.5;

/** From a Thursday on. */
const seasons = [
  ['hot', '2026-05-21', { meanC: 28, swingC: 6, rhPct: 76, pm25: 26 }],
  ['cold and hazy', '2026-12-17', { meanC: 13, swingC: 5, rhPct: 55, pm25: 58 }],
] as const;

it.each(seasons)(
  'a campus where nothing is broken calls its operator as often as it may in %s days',
  (_, date, weather) => {
    const from = Date.parse(`${date}T00:00:00+08:00`);
    const period = { from, until: from + days * 86_400_000 };
    const { devices, calendar } = demoCampus();
    const backtest = new Backtest({ rules, calendar, period, warmUpFrom: from, latenessMs: 900_000 });
    const reporting = devices.map((device) => ({ ...device, intervalS: minutes * 60 }));
    const told = { from, days, every: minutes, weather, calendar, devices: reporting, seed: 3 };
    for (const item of ordinaryCampus(told)) backtest.take(item);
    const { load, rules: found } = backtest.finish(1);
    const fired = found.filter((rule) => rule.fired > 0);
    const said = fired.map((rule) => `${rule.rule}: ${rule.fired} of ${rule.subjects}`).join('; ');
    expect(devices).toHaveLength(172);
    expect(backtest.progress.readings).toBeGreaterThan(171 * 144 * days);
    expect(load.perDay, said).toBeLessThanOrEqual(callsPerCampusAndDay);
    // Weather comes to all rooms at once, and is no alarm of each.
    for (const { rule, subjects } of fired) expect([rule, subjects]).toEqual([rule, 1]);
  },
  180_000,
);
