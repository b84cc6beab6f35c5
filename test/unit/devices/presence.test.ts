import { describe, expect, it } from 'vitest';
import { judgePresence, longestSleepMs } from '../../../devices/presence.js';
import type { DoorFacts, PresenceFacts, Way } from '../../../devices/presence.js';

// In seconds: a device that reports each 60 s, and 90 s of grace.
const device = (facts: Partial<PresenceFacts> = {}): PresenceFacts => ({
  connected: true,
  connectionAt: 0,
  heardAt: 1000,
  asleep: false,
  saidOfflineAt: undefined,
  intervalS: 60,
  state: 'online',
  ...facts,
});
const opened = (openedAt = -Infinity): DoorFacts => ({ openedAt, openedGraceMs: 90, graceMs: 90 });
const way = (state: Way['state'], heardAt: number, since = 0): Way => ({ state, heardAt, since });

/** Three reports of 60 ms. */
const judge = (facts: Partial<PresenceFacts>, at: number, ways: Way[] = [], openedAt?: number) =>
  judgePresence(device({ intervalS: 0.06, ...facts }), ways, opened(openedAt), at).state;
const isExcused = (facts: Partial<PresenceFacts>, at: number, ways: Way[] = [], openedAt?: number) =>
  judgePresence(device({ intervalS: 0.06, ...facts }), ways, opened(openedAt), at).excused;

describe('a device', () => {
  it('is online until three reports are missed; then stale when connected, offline when not', () => {
    expect(judge({}, 1179)).toBe('online');
    expect(judge({}, 1180)).toBe('stale');
    expect(judge({ connected: false }, 1180)).toBe('offline');
    expect(judge({ connected: undefined }, 1180)).toBe('offline');
  });

  it('that lost its connection has the grace to come back, and is missed no sooner than that', () => {
    expect(judge({ connected: false, connectionAt: 1170 }, 1259)).toBe('online');
    expect(judge({ connected: false, connectionAt: 1170 }, 1260)).toBe('offline');
    expect(judge({ intervalS: 0.001 }, 1089)).toBe('online');
    expect(judge({ intervalS: 0.001 }, 1090)).toBe('stale');
  });

  it('that said that it goes is missed after the grace, however often it reports', () => {
    const gone = { connected: false, connectionAt: 1010, saidOfflineAt: 1010, intervalS: 3600 };
    expect(judge(gone, 1099)).toBe('online');
    expect(judge(gone, 1100)).toBe('offline');
  });

  it('is never called back by a Will or a lost connection that come late', () => {
    expect(judge({ state: 'stale', saidOfflineAt: 1200 }, 1210)).toBe('stale');
    expect(judge({ state: 'stale', connected: false, connectionAt: 1200 }, 1210)).toBe('stale');
    expect(judge({ state: 'stale', connected: false, connectionAt: 1200 }, 1290)).toBe('offline');
  });

  it('that sleeps is not missed, and one that was never heard is unknown', () => {
    expect(judge({ asleep: true, connected: false }, 99_999)).toBe('sleeping');
    expect(judge({ heardAt: -Infinity, connected: undefined, state: undefined }, 1)).toBe('unknown');
  });

  it('that sleeps is missed after some days without a sign of life', () => {
    const asleep = { asleep: true, connected: false, state: 'sleeping' } as const;
    expect(judge(asleep, 1000 + longestSleepMs - 1)).toBe('sleeping');
    expect(judge(asleep, 1000 + longestSleepMs)).toBe('offline');
    expect(judge(asleep, 1000 + longestSleepMs, [way('offline', 990)])).toBe('unknown');
    // We were away meanwhile: it has the grace to come back.
    expect(judge(asleep, 1000 + longestSleepMs, [], 1000 + longestSleepMs - 50)).toBe('sleeping');
  });

  it('is online whatever it is reached through, as long as it is heard', () => {
    expect(judge({}, 1100, [way('offline', 500)])).toBe('online');
  });

  it('is unknown when it is missed and what it is reached through is gone', () => {
    for (const gone of ['offline', 'stale', 'unknown'] as const) {
      expect(judge({ connected: false }, 1180, [way(gone, 990)])).toBe('unknown');
      expect(isExcused({ connected: false }, 1180, [way(gone, 990)])).toBe(true);
    }
  });

  it('waits for a parent that was not heard since the child was missed, however the two reported', () => {
    // The parent's last report came after the child's, and before the power cut.
    expect(judge({ connected: false }, 1185, [way('online', 1050)])).toBe('online');
    expect(isExcused({ connected: false }, 1185, [way('online', 1050)])).toBe(true);
    // It is heard again: the loss is the child's own.
    expect(judge({ connected: false }, 1186, [way('online', 1186)])).toBe('offline');
    expect(isExcused({ connected: false }, 1186, [way('online', 1186)])).toBe(false);
  });

  it('has time to come back after what it is reached through did', () => {
    const facts = { connected: false, state: 'unknown' } as const;
    expect(judge(facts, 5179, [way('online', 5170, 5000)])).toBe('unknown');
    expect(judge(facts, 5185, [way('online', 5184, 5000)])).toBe('offline');
  });

  it('stays what it was while nobody can know: after an outage of ours', () => {
    expect(judge({}, 9000, [], 8900)).toBe('online');
    expect(isExcused({}, 9000, [], 8900)).toBe(true);
    expect(judge({ state: undefined }, 9000, [], 8900)).toBe('unknown');
    expect(judge({ connected: false }, 9080, [], 8900)).toBe('offline');
    // A connection from before may be one that is no more; the brokers find out after their grace.
    expect(judge({}, 9169, [], 8900)).toBe('online');
    expect(judge({}, 9170, [], 8900)).toBe('stale');
    expect(judge({ connectionAt: 8950, heardAt: 8950 }, 9130, [], 8900)).toBe('stale');
  });
});
