import { describe, expect, it } from 'vitest';
import { scheduleReplay } from '../../../simulators/replay-schedule.js';

const firstAt = 1_000_000;
const latestAt = firstAt + 600_000;
const startAt = 9_000_000;
const schedule = (speed: number | 'max', keepTime = false) =>
  scheduleReplay({ firstAt, latestAt, startAt, speed, keepTime });

describe('scheduleReplay', () => {
  it('gives every row the time of its sending at speed 1', () => {
    const { sendAt, eventAt } = schedule(1);
    expect([sendAt(firstAt), eventAt(firstAt)]).toEqual([startAt, startAt]);
    expect([sendAt(latestAt), eventAt(latestAt)]).toEqual([startAt + 600_000, startAt + 600_000]);
  });

  it('lands the latest row on the moment it is sent when played faster', () => {
    const { sendAt, eventAt } = schedule(60);
    expect(sendAt(latestAt)).toBe(startAt + 10_000);
    expect(eventAt(latestAt)).toBe(startAt + 10_000);
    expect(eventAt(firstAt)).toBe(startAt + 10_000 - 600_000);
  });

  it('sends all at once with max, the latest row being now', () => {
    const { sendAt, eventAt } = schedule('max');
    expect([sendAt(firstAt), sendAt(latestAt)]).toEqual([startAt, startAt]);
    expect(eventAt(latestAt)).toBe(startAt);
  });

  it.each([0.3, 1, 7, 'max'] as const)('puts no row into the future at speed %s', (speed) => {
    const { sendAt, eventAt } = schedule(speed);
    for (const at of [firstAt - 60_000, firstAt, firstAt + 1, firstAt + 299_999, latestAt]) {
      expect(eventAt(at)).toBeLessThanOrEqual(sendAt(at));
    }
  });

  it('leaves recorded times alone when asked to, at the same pace', () => {
    const { sendAt, eventAt } = schedule(2, true);
    expect(eventAt(latestAt)).toBe(latestAt);
    expect(sendAt(latestAt)).toBe(startAt + 300_000);
  });
});
