import { describe, expect, it } from 'vitest';
import { alarmNews, shorten } from '../../../cli/demo/watch-demo.js';
import { mqttUrl } from '../../../cli/instance.js';
import { missingDurability } from '../../../runtime/redis-durability.js';
import { restartDelayMs } from '../../../cli/supervisor/restart-delay.js';
import { formatBar } from '../../../cli/terminal/progress.js';
import { formatSeconds } from '../../../rules/duration.js';
import { formatTime } from '../../../cli/terminal/time.js';
import type { Alarm } from '../../../rules/alarm.js';

describe('the delay before a restart', () => {
  it('doubles from 200 ms to 10 s for a child that keeps dying', () => {
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) delays.push(restartDelayMs(delays.at(-1), 50));
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  });

  it('starts again at 200 ms after 30 s of health', () => {
    expect(restartDelayMs(10_000, 30_000)).toBe(200);
    expect(restartDelayMs(6400, 29_999)).toBe(10_000);
  });
});

describe('the durability check', () => {
  const durable = {
    appendonly: 'yes',
    appendfsync: 'always',
    'no-appendfsync-on-rewrite': 'no',
    'maxmemory-policy': 'noeviction',
  };

  it('finds nothing to change in a durable Redis', () => {
    expect(missingDurability(durable)).toEqual([]);
  });

  it('names each setting to change with its value', () => {
    expect(
      missingDurability({ ...durable, appendfsync: 'everysec', 'maxmemory-policy': 'allkeys-lru' }),
    ).toEqual(['appendfsync always', 'maxmemory-policy noeviction']);
  });
});

describe('the news of the demo', () => {
  const alarm = (id: string, state: Alarm['state'], at: number): Alarm =>
    ({
      id,
      state,
      raisedAt: at,
      ...(state === 'cleared' ? { clearedAt: at } : {}),
      severity: 'warning',
      title: { zh: '偏高', en: 'High' },
      site: 's1',
      room: 'r1',
    }) as Alarm;

  it('are the alarms that came or went since the last look, oldest first', () => {
    const known = new Map<string, Alarm['state']>([
      ['a', 'active'],
      ['b', 'active'],
    ]);
    const now = [alarm('c', 'active', 3), alarm('b', 'active', 1), alarm('a', 'cleared', 2)];
    const news = alarmNews(known, now, String).map((line) => line.trim().split(/\s+/).slice(0, 2).join(' '));
    expect(news).toEqual(['cleared 2', 'raised 3']);
  });

  it('are none at the first look: those alarms are of an earlier run', () => {
    expect(alarmNews(undefined, [alarm('a', 'active', 1)], String)).toEqual([]);
  });

  it('are cut when there are many', () => {
    expect(shorten(['1', '2', '3'], 'mails')).toHaveLength(3);
    const cut = shorten(['1', '2', '3', '4', '5'], 'mails');
    expect(cut).toHaveLength(4);
    expect(cut.at(-1)).toContain('2 more mails');
  });
});

describe('texts of the terminal', () => {
  it('fill a bar by what is done', () => {
    expect(formatBar(0, 10)).toBe(`[${' '.repeat(30)}]   0 %`);
    expect(formatBar(5, 10)).toBe(`[${'='.repeat(15)}${' '.repeat(15)}]  50 %`);
    expect(formatBar(0, 0)).toContain('100 %');
  });

  it('show durations in two units', () => {
    expect([9, 75, 3725, 180_000].map(formatSeconds)).toEqual(['9 s', '1 min 15 s', '1 h 2 min', '2 d 2 h']);
  });

  it('show times where the people are', () => {
    expect(formatTime(Date.parse('2026-03-02T00:15:00Z'), 'Asia/Shanghai')).toBe('2026-03-02 08:15:00');
  });

  it('lead a client to a broker that listens on all addresses', () => {
    expect(mqttUrl({ host: '0.0.0.0', port: 1883 })).toBe('mqtt://127.0.0.1:1883');
    expect(mqttUrl({ host: '::1', port: 1883 })).toBe('mqtt://[::1]:1883');
    expect(mqttUrl({ host: 'broker', port: 1884 })).toBe('mqtt://broker:1884');
  });
});
