import { describe, expect, it } from 'vitest';
import { subjectOf, wordAlarm } from '../../../../alerts/mail/alarm-words.js';
import type { EndingReason, Transition } from '../../../../rules/alarm.js';
import { alarmEntry } from '../../../support/alarm-entry.js';

const surroundings = { timeZone: 'Asia/Shanghai', simulatedClock: false, delayMs: 0 };

function worded(wanted: Partial<Transition>) {
  const entry = alarmEntry({ ...wanted, kind: 'clear' });
  const [zh, en] = (['zh', 'en'] as const).map((language) => wordAlarm(entry, surroundings, language));
  if (zh === undefined || en === undefined) throw new Error('two languages');
  return { zh, en, subject: subjectOf(entry, surroundings) };
}

describe('the mail about an alarm that ended by circumstances', () => {
  it('says which, how things are now, and gives no all-clear', () => {
    const { zh, en, subject } = worded({
      condition: '!(temp_c > 26 && !maintenance)',
      evidence: { temp_c: 31, maintenance: 1 },
      ending: { kind: 'circumstance', clauses: ['maintenance'] },
      holdMs: 60_000,
    });
    expect(subject).toContain('【告警结束】');
    expect(subject).toContain('| Ended: ');
    expect(zh.badge).toBe('告警结束');
    expect(zh.advice).toBe(
      '告警因已登记检修而结束，这不代表情况已恢复正常，请看上面的当前值；告警条件再次满足时会重新告警。',
    );
    expect(en.advice).toBe(
      'The alarm ended because maintenance was announced. That does not mean that things are back to normal: ' +
        'see the values above. It is raised again when its condition holds again.',
    );
    expect(zh.facts).toContainEqual({ label: '现在的温度', value: '31 °C' });
    expect(zh.facts).toContainEqual({ label: '现在的检修', value: '已登记' });
    expect(zh.facts).toContainEqual({ label: '告警条件', value: '温度 > 26 °C 且 不在维护期间' });
    expect(JSON.stringify([zh, en])).not.toMatch(/无需再处理|nothing left to do|恢复时间/);
  });

  it.each([
    [
      ['!(phase == "lesson")'],
      { phase: 'break' },
      '因作息时段已是“课间”而结束',
      'because it is "break" by the timetable now.',
    ],
    [
      ['active("t-pending")'],
      { 'active("t-pending")': 1 },
      '因“低温”告警已发生而结束',
      'because the alarm "Cold" has come.',
    ],
    [
      ['!(presence == "offline")'],
      { presence: 'stale' },
      '因设备状态已是“无响应”而结束',
      'because the device is "not responding" now.',
    ],
    [
      ['maintenance', '!active("gone")'],
      {},
      '因已登记检修，且“gone”告警已结束而结束',
      'because maintenance was announced, and the alarm "gone" is over.',
    ],
  ] as const)('names %s', (clauses, evidence, zh, en) => {
    const named = { 't-pending': { zh: '低温', en: 'Cold' } };
    const said = worded({ evidence, named, ending: { kind: 'circumstance', clauses } });
    expect(said.zh.advice).toContain(zh);
    expect(said.en.advice).toContain(en);
  });
});

it('the mail about an event that is over asks to look all the same', () => {
  const { zh, en, subject } = worded({
    condition: '!(event("tamper"))',
    evidence: {},
    ending: { kind: 'moment', clauses: ['!event("tamper")'] },
  });
  expect(subject).toContain('【事件已过】');
  expect(zh.advice).toBe('事件本身已过去，但这不代表已无影响，请仍去查看。请开窗通风，或打开新风机。');
  expect(en.advice).toMatch(/^The event is over.*please look all the same\. Open the windows/);
  expect(zh.facts.find(({ label }) => label === '告警条件')?.value).not.toContain('并非');
});

it.each([
  ['rule_off', 'cli:li', '规则已停用', 'Rule switched off', '（由 li 决定）', ' by li'],
  ['rule_off', undefined, '规则已停用', 'Rule switched off', '（按规则文件）', ' by its file'],
  ['rule_shadow', 'cli:li', '规则改为试运行', 'Rule on trial', '（由 li 决定）', ' by li'],
] as const)('the mail about an alarm of a rule in another mode (%s, %s) says so and by whom', (...row) => {
  const [reason, by, badgeZh, badgeEn, byZh, byEn] = row;
  const { zh, en } = worded({ reason: reason satisfies EndingReason, by });
  expect([zh.badge, en.badge]).toEqual([badgeZh, badgeEn]);
  expect(zh.advice).toContain(byZh);
  expect(en.advice).toContain(byEn);
  expect(zh.advice).not.toContain('重新告警');
});

it('values that go without saying are left out of a mail, and other alarms are called by their titles', () => {
  const wanted = {
    condition: 'temp_c > 26 && !maintenance && !active("cold") && active("dry")',
    evidence: { temp_c: 31, maintenance: 0, 'active("cold")': 0, 'active("dry")': 1 },
    named: { cold: { zh: '低温', en: 'Cold' }, dry: { zh: '干燥', en: 'Dry air' } },
  };
  const [zh, en] = (['zh', 'en'] as const).map((language) =>
    wordAlarm(alarmEntry(wanted), surroundings, language),
  );
  expect(zh?.facts.map(({ label }) => label)).toEqual([
    '地点',
    '设备',
    '开始时间',
    '温度',
    '“干燥”告警中',
    '告警条件',
  ]);
  expect(zh?.facts.at(-1)?.value).toBe('温度 > 26 °C 且 不在维护期间 且 “低温”未告警 且 “干燥”告警中');
  expect(en?.facts.at(-1)?.value).toContain('alarm "Cold" is not active and alarm "Dry air" is active');
});
