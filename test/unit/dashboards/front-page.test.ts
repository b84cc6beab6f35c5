import { expect, it } from 'vitest';
import { formatFrontPage } from '../../../dashboards/api/front-page.js';
import { createClock } from '../../../runtime/clock.js';

const at = Date.parse('2026-03-02T15:55:00+08:00');

it('says in both languages that the clock is simulated, and what time it shows', () => {
  const clock = createClock({ kind: 'simulated', originAt: at, anchorAt: 0, speed: 120 }, () => 0);
  const page = formatFrontPage(clock, 'Asia/Shanghai');
  expect(page).toContain('<strong>模拟时钟</strong>（120 倍速）');
  expect(page).toContain('2026年3月2日星期一 15:55');
  expect(page).toContain('<strong>Simulated clock</strong> (120× speed)');
});

it('does not speak of simulation on the wall clock', () => {
  const page = formatFrontPage(
    createClock({ kind: 'wall' }, () => at),
    'Asia/Shanghai',
  );
  expect(page).not.toMatch(/模拟|simulated/i);
  expect(page).toContain('15:55');
});
