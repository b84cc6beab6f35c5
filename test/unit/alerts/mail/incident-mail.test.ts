import { describe, expect, it } from 'vitest';
import { composeIncidentMail } from '../../../../alerts/mail/incident-mail.js';
import type { Surroundings } from '../../../../alerts/mail/alarm-words.js';
import { alarmEntry } from '../../../support/alarm-entry.js';
import { incidentOf, noticeOf } from '../../../support/incident-notice.js';

const from = { name: '感知校园', address: 'campus@bureau.example' };
const zhang = { name: '张老师', address: 'Zhang@school.example' };
const surroundings: Surroundings = { timeZone: 'Asia/Shanghai', simulatedClock: false, delayMs: 0 };

function mailAbout(wanted: Parameters<typeof alarmEntry>[0] = {}, changed: Partial<Surroundings> = {}) {
  return composeIncidentMail(noticeOf(alarmEntry(wanted)), from, zhang, { ...surroundings, ...changed });
}

describe('the mail that opens an incident', () => {
  it('says in both languages what is wrong, where, since when, by which values and what to do', () => {
    expect(mailAbout({}, { siteName: '实验小学' }).text.replaceAll(/inc-[0-9a-f]{10}/g, 'inc-ID'))
      .toBe(`[重要告警] 教室二氧化碳过高

地点：南海区 · 实验小学（school-7） · room-101
设备：环境传感器 co2-101
开始时间：2026年3月2日（周一）08:15（北京时间）
二氧化碳（5 分钟平均）：1,623.4 ppm
告警条件：二氧化碳（5 分钟平均） > 1,500 ppm

怎么办：请开窗通风，或打开新风机。

事件 inc-ID · 规则 co2-act（版本 a1b2c3） · 告警编号 co2-act~co2-101~1772410500000

----------------------------------------

[Major alarm] Classroom CO2 too high

Where: Nanhai · 实验小学 (school-7) · room-101
Device: Environment sensor co2-101
Since: Mon, 2 Mar 2026, 08:15 (Beijing time)
CO2 (5 min mean): 1,623.4 ppm
Alarm condition: CO2 (5 min mean) > 1,500 ppm

What to do: Open the windows or turn the ventilation on.

Incident inc-ID · rule co2-act (version a1b2c3) · alarm co2-act~co2-101~1772410500000
`);
  });

  it('has a subject that says severity, where and what, in Chinese first, and not the device', () => {
    expect(mailAbout().subject).toBe(
      '【重要告警】南海区 · school-7 · room-101 — 教室二氧化碳过高 | Major: Classroom CO2 too high',
    );
  });

  it('says how long the condition had to hold, where it had to', () => {
    const entry = alarmEntry({});
    const held = { ...entry, alarm: { ...entry.alarm, holdMs: 300_000 } };
    const { text } = composeIncidentMail(noticeOf(held), from, zhang, surroundings);
    expect(text).toContain('告警条件：二氧化碳（5 分钟平均） > 1,500 ppm，持续 5 分钟\n');
    expect(text).toContain('Alarm condition: CO2 (5 min mean) > 1,500 ppm, for 5 min\n');
  });

  it('leaves out a district and a room that nobody has assigned', () => {
    const { text } = mailAbout({ district: 'unassigned', room: 'unassigned' });
    expect(text).toContain('地点：school-7\n');
    expect(text).not.toContain('unassigned');
  });

  it('names the part of the device that it is about', () => {
    const { text } = mailAbout({ deviceClass: 'ap', part: 'radio5', evidence: { chan_util_pct: 91 } });
    expect(text).toContain('设备：无线接入点 co2-101，部件 radio5');
    expect(text).toContain('Device: WiFi access point co2-101, part radio5');
    expect(text).toContain('信道利用率：91 %');
  });

  it('asks for urgency only when the alarm is critical', () => {
    expect(mailAbout({ severity: 'critical' }).urgent).toBe(true);
    expect(mailAbout({ severity: 'major' }).urgent).toBe(false);
    expect(mailAbout({ severity: 'critical', kind: 'clear' }).urgent).toBe(false);
  });
});

describe('the mail that closes an incident', () => {
  it('says how long it lasted, when it ended and how things are now', () => {
    const { text, subject } = mailAbout({ kind: 'clear' });
    expect(subject).toMatch(/^【已恢复】南海区 · school-7 · room-101 — 教室二氧化碳过高 \| Cleared: /);
    expect(text).toContain('持续时间：1 小时 5 分钟');
    expect(text).toContain('恢复时间：2026年3月2日（周一）09:20（北京时间）');
    expect(text).toContain('现在的二氧化碳（5 分钟平均）：1,105 ppm');
    expect(text).toContain('Lasted: 1 h 5 min');
    expect(text).toContain('nothing left to do');
    expect(text).not.toContain('请开窗');
  });

  it('follows the mail that opened it to the same person, and no other', () => {
    const raise = mailAbout();
    const clear = mailAbout({ kind: 'clear' });
    const toAnother = composeIncidentMail(
      noticeOf(alarmEntry({ kind: 'clear' })),
      from,
      { name: '', address: 'li@school.example' },
      surroundings,
    );
    expect(raise.inReplyTo).toBeUndefined();
    expect(clear.inReplyTo).toBe(raise.messageId);
    expect(toAnother.inReplyTo).not.toBe(raise.messageId);
    expect(new Set([raise.messageId, clear.messageId, toAnother.messageId]).size).toBe(3);
  });
});

describe('the mail of an incident of many alarms', () => {
  const many = {
    alarms: 172,
    classes: { ap: 70, whiteboard: 50, gateway: 2 },
    rooms: 50,
    sites: 1,
    examples: ['ap-1', 'ap-2'],
  };
  const about = (changes: Partial<Parameters<typeof incidentOf>[1]>) =>
    composeIncidentMail(noticeOf(alarmEntry(), { ...many, ...changes }), from, zhang, surroundings);

  it('names the root and says what it explains, by class and place', () => {
    const { text, subject } = about({});
    expect(subject).toMatch(/^【重要告警】.*Major: Classroom CO2 too high \(\+171\)$/);
    expect(text).toContain(
      '由此引起：共 172 条告警，交互式白板 50 台，无线接入点 70 台，网关 2 台，50 个房间，如 ap-1、ap-2\n',
    );
    expect(text).toContain(
      'Explains: 172 alarms in all, 50 × Interactive whiteboard, 70 × WiFi access point, 2 × Gateway, 50 rooms, such as ap-1, ap-2\n',
    );
  });

  it('says that it became worse', () => {
    const notice = noticeOf(alarmEntry(), { ...many, severity: 'critical' });
    const worse = { ...notice, id: 'x~worse-1', kind: 'worse', from: 'major' } as const;
    const mail = composeIncidentMail(worse, from, zhang, surroundings);
    expect(mail.subject).toMatch(/^【升级为紧急告警】/);
    expect(mail.urgent).toBe(true);
    expect(mail.inReplyTo).toBe(composeIncidentMail(notice, from, zhang, surroundings).messageId);
  });

  it('says which incident it became a part of', () => {
    const notice = noticeOf(alarmEntry());
    const into = incidentOf(alarmEntry({ title: { zh: '网关掉线', en: 'Gateway is gone' }, device: 'gw-1' }));
    const mail = composeIncidentMail(
      { ...notice, id: 'x~merged-1', kind: 'merged', into },
      from,
      zhang,
      surroundings,
    );
    expect(mail.subject).toMatch(/^【已并入】/);
    expect(mail.text).toContain(`原因已查明：网关掉线（事件 ${into.id}）`);
    expect(mail.text).toContain(`Its cause is known: Gateway is gone (incident ${into.id})`);
  });

  it('does not say that things are back to normal when somebody shelved the alarm', () => {
    const notice = noticeOf(alarmEntry(), { state: 'closed' });
    const mail = composeIncidentMail(
      { ...notice, id: 'x~closed-1', kind: 'closed' },
      from,
      zhang,
      surroundings,
    );
    expect(mail.subject).toMatch(/^【已搁置】/);
    expect(mail.text).not.toContain('back to normal');
  });

  it('says where what did not recover goes on', () => {
    const notice = { ...noticeOf(alarmEntry({ kind: 'clear' })), movedTo: ['inc-0123456789'] };
    expect(composeIncidentMail(notice, from, zhang, surroundings).text).toContain(
      'What did not recover: see incident inc-0123456789',
    );
  });
});

describe('a mail', () => {
  it('has the same name and Message-ID whenever it is made again', () => {
    const first = mailAbout();
    const again = mailAbout({}, { delayMs: 7_200_000 });
    expect(again.messageId).toBe(first.messageId);
    expect(again.name).toBe(first.name);
    expect(first.messageId).toMatch(/^<[0-9a-f]{32}@bureau\.example>$/);
    expect(first.name).toMatch(/^2026-03-02_081500_co2-act~co2-101_inc-[0-9a-f]{10}~opened_[0-9a-f]{8}$/);
  });

  it('says that the clock is simulated, in the subject, in both languages and in both parts', () => {
    const { subject, text, html, headers } = mailAbout({}, { simulatedClock: true });
    expect(subject).toMatch(/^【模拟】/);
    for (const body of [text, html]) {
      expect(body).toContain('模拟时钟');
      expect(body).toContain('Simulated clock');
    }
    expect(headers['X-Campus-Clock']).toBe('simulated');
    expect(mailAbout().text).not.toContain('模拟');
  });

  it('says so when it is more than half an hour late', () => {
    const { text } = mailAbout({}, { delayMs: 7_500_000 });
    expect(text).toContain('晚了 2 小时 5 分钟送出');
    expect(text).toContain('2 h 5 min late');
    expect(mailAbout({}, { delayMs: 1_700_000 }).text).not.toContain('late');
  });

  it('shows names, titles and values as text, whatever markup they hold', () => {
    const evil = '<img src=x onerror="alert(1)">&\'';
    const { html } = mailAbout(
      {
        device: evil,
        room: evil,
        district: evil,
        part: evil,
        condition: evil,
        title: { zh: evil, en: evil },
        advice: { zh: evil, en: evil },
        evidence: { [evil]: evil },
        rule: evil,
      },
      { siteName: evil },
    );
    expect(html).not.toContain('<img');
    expect(html).not.toContain('onerror="');
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;');
  });

  it('keeps its subject on one line when a name holds a line break', () => {
    const { subject } = mailAbout({}, { siteName: '一小\r\nBcc: all@school.example' });
    expect(subject).not.toMatch(/[\r\n]/);
  });

  it('carries the alarm, its severity and that it was made by a machine in its headers', () => {
    expect(mailAbout().headers).toMatchObject({
      'Auto-Submitted': 'auto-generated',
      'X-Campus-Alarm': 'co2-act~co2-101~1772410500000',
      'X-Campus-Severity': 'major',
    });
  });
});
