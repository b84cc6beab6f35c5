import type { OutboxEntry, Transition } from '../../rules/alarm.js';

interface Wanted extends Partial<Omit<Transition, 'id' | 'alarm' | 'kind' | 'at'>> {
  readonly kind?: Transition['kind'];
  readonly district?: string;
  readonly room?: string;
}

/** A CO2 alarm as the judge puts it into the outbox, raised on 2 March 2026 at 08:15 in Beijing. */
export function alarmEntry(wanted: Wanted = {}): OutboxEntry {
  const { kind = 'raise', district = 'nanhai', room = 'room-101', ...rest } = wanted;
  const shared = {
    raisedAt: Date.parse('2026-03-02T08:15:00+08:00'),
    rule: 'co2-act',
    ruleVersion: 'a1b2c3',
    severity: 'major',
    title: { zh: '教室二氧化碳过高', en: 'Classroom CO2 too high' },
    advice: { zh: '请开窗通风，或打开新风机。', en: 'Open the windows or turn the ventilation on.' },
    condition: kind === 'raise' ? 'mean(co2_ppm, "5m") > 1500' : 'mean(co2_ppm, "5m") < 1200',
    evidence: { 'mean(co2_ppm, "5m")': kind === 'raise' ? 1623.44 : 1105 },
    site: 'school-7',
    deviceClass: 'sensor',
    device: 'co2-101',
    ...rest,
  } as const;
  const alarm = `co2-act~${shared.device}~${shared.raisedAt}`;
  const at = kind === 'raise' ? shared.raisedAt : shared.raisedAt + 65 * 60_000;
  const revision = kind === 'raise' ? 0 : 1;
  return {
    transition: { ...shared, id: `${alarm}~${kind}`, alarm, kind, at, revision },
    alarm: {
      ...shared,
      revision,
      peak: shared.severity,
      history: [],
      id: alarm,
      district,
      room,
      ...(kind === 'clear' ? { state: 'cleared', clearedAt: at } : { state: 'active' }),
    },
  };
}
