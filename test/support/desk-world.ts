import { CityPlan } from '../../alerts/incidents/city-plan.js';
import { Desk } from '../../alerts/incidents/desk.js';
import type { InMaintenance } from '../../alerts/incidents/desk.js';
import type { DeskAlarm } from '../../alerts/incidents/desk-alarm.js';
import type { DeskChanges, Shelf } from '../../alerts/incidents/desk-changes.js';
import type { Incident, IncidentEvent, IncidentNotice } from '../../alerts/incidents/incident.js';
import type { Device } from '../../devices/device.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { Registry } from '../../devices/registry.js';
import type { AlarmGroup, OutboxEntry, Severity, Transition } from '../../rules/alarm.js';
import type { Causality } from '../../rules/causality.js';

/** 2 March 2026, 08:00 in Beijing; times of a story are seconds after it. */
const start = Date.parse('2026-03-02T08:00:00+08:00');

export const deskTimes = { waitMs: 75_000, fleetingMs: 10_000, quietMs: 60_000, graceMs: 300_000 };

/** What an alarm of a story is, beside its rule and device. */
export interface ToldAlarm extends Causality {
  readonly rule: string;
  readonly device?: string;
  readonly group?: AlarmGroup;
  readonly site?: string;
  readonly district?: string;
  readonly room?: string;
  readonly deviceClass?: DeviceClass;
  readonly severity?: Severity;
}

const silence = { symptom: 'reachability', explains: ['reachability'] } as const;

/** Alarms of a campus as the shipped rules have them. */
export const alarms = {
  ap: (device: string, more: Partial<ToldAlarm> = {}): ToldAlarm => ({
    rule: 'ap-silent',
    device,
    deviceClass: 'ap',
    ...silence,
    ...more,
  }),
  sensor: (device: string): ToldAlarm => ({
    rule: 'sensor-silent',
    device,
    symptom: 'reachability',
  }),
  gateway: (device: string): ToldAlarm => ({
    rule: 'gateway-silent',
    device,
    deviceClass: 'gateway',
    severity: 'major',
    ...silence,
  }),
  site: (site: string): ToldAlarm => ({
    rule: 'site-gateways-silent',
    group: { kind: 'site', id: site },
    site,
    deviceClass: 'gateway',
    severity: 'major',
    ...silence,
  }),
  power: (device: string): ToldAlarm => ({
    rule: 'campus-power-lost',
    device,
    deviceClass: 'gateway',
    severity: 'critical',
    symptom: 'power',
    explains: ['power', 'reachability'],
    reach: 'site',
  }),
  co2: (device: string, more: Partial<ToldAlarm> = {}): ToldAlarm => ({ rule: 'co2-high', device, ...more }),
};

/** A transition of an alarm as the judge puts it out; `at` and `raisedAt` are seconds of the story. */
export function told(
  kind: Transition['kind'],
  alarm: ToldAlarm,
  raisedAt: number,
  at = raisedAt,
  severity = alarm.severity ?? 'minor',
): OutboxEntry {
  const {
    rule,
    device,
    group,
    site = 's1',
    district = 'nanhai',
    room = 'r1',
    deviceClass = 'sensor',
  } = alarm;
  const { symptom, explains, reach, safety } = alarm;
  const subject = device ?? `${group?.kind}-${group?.id}`;
  const id = `${rule}~${subject}~${start + raisedAt * 1000}`;
  const shared = {
    raisedAt: start + raisedAt * 1000,
    rule,
    ruleVersion: '1',
    severity,
    title: { zh: rule, en: rule },
    advice: { zh: '查看', en: 'Look' },
    condition: 'x',
    evidence: {},
    revision: { raise: 0, change: 1, clear: 2 }[kind],
    site,
    deviceClass,
    ...(device === undefined ? {} : { device }),
    ...(group === undefined ? {} : { group }),
    ...(symptom === undefined ? {} : { symptom }),
    ...(explains === undefined ? {} : { explains }),
    ...(reach === undefined ? {} : { reach }),
    ...(safety === undefined ? {} : { safety }),
  };
  const state =
    kind === 'clear'
      ? ({ state: 'cleared', clearedAt: start + at * 1000 } as const)
      : ({ state: 'active' } as const);
  return {
    transition: { ...shared, id: `${id}~${kind}`, alarm: id, kind, at: start + at * 1000 },
    alarm: { ...shared, id, ...state, peak: severity, history: [], district, room },
  };
}

/** A campus: gateways, access points on them in turn, and a sensor on each access point. */
export function campus(site: string, gateways: number, aps: number, district = 'nanhai'): Device[] {
  const gateway = (i: number) => `${site}-gw-${(i % gateways) + 1}`;
  return [
    ...Array.from({ length: gateways }, (_, i): Device => ({
      id: gateway(i),
      site,
      deviceClass: 'gateway',
      room: 'machine-room',
    })),
    ...Array.from({ length: aps }, (_, i): Device[] => [
      {
        id: `${site}-ap-${i + 1}`,
        site,
        deviceClass: 'ap',
        room: `r${i + 1}`,
        parent: `${gateway(i)}#${i + 1}`,
      },
      {
        id: `${site}-env-${i + 1}`,
        site,
        deviceClass: 'sensor',
        room: `r${i + 1}`,
        parent: `${site}-ap-${i + 1}`,
      },
    ]).flat(),
  ].map((device) => ({ ...device, district }));
}

/** What is registered, of those devices. */
export function cityOf(devices: readonly Device[]): Pick<Registry, 'devices' | 'rooms' | 'sites'> {
  const sites = [...new Set(devices.map(({ site }) => site))];
  return {
    devices: new Map(devices.map((device) => [device.id, device])),
    rooms: new Map(),
    sites: new Map(sites.map((id) => [id, { id, kind: 'campus', district: 'nanhai' }])),
  };
}

/** A desk whose memory is kept as Redis keeps it, so that it can be made anew in the middle of a story. */
export class DeskWorld {
  readonly alarms = new Map<string, DeskAlarm>();
  readonly past = new Map<string, DeskAlarm>();
  readonly incidents = new Map<string, Incident>();
  readonly notices: IncidentNotice[] = [];
  readonly stories = new Map<string, IncidentEvent[]>();
  readonly shelves = new Map<string, Shelf>();
  readonly #plan: CityPlan;
  inMaintenance: InMaintenance = () => false;
  desk: Desk;

  constructor(devices: readonly Device[] = []) {
    this.#plan = new CityPlan(cityOf(devices));
    this.desk = this.#create();
  }

  /** All entries come in at that second of the story, and the desk goes on to it. */
  at(second: number, ...entries: readonly OutboxEntry[]): this {
    const now = start + second * 1000;
    this.desk.follow(this.#plan, this.inMaintenance);
    for (const entry of entries) this.desk.take(entry, now);
    this.desk.pass(now);
    this.#keep(this.desk.takeChanges());
    return this;
  }

  /** Goes on second by second. */
  until(from: number, to: number): this {
    for (let second = from; second <= to; second++) this.at(second);
    return this;
  }

  restart(): this {
    this.desk = this.#create();
    return this;
  }

  get open(): Incident[] {
    return [...this.incidents.values()].filter(({ state }) => state === 'open');
  }

  /** `kind root` of every notice. */
  get told(): string[] {
    return this.notices.map(({ kind, incident }) => `${kind} ${incident.root.key}`);
  }

  /** Open incidents, each as its root and the alarms that are in it, whatever their order. */
  get groups(): string[] {
    return this.open
      .map(({ id, root }) => {
        const members = [...this.alarms.values()].filter(({ incident }) => incident === id);
        return `${root.key}: ${members
          .map(({ key }) => key)
          .sort()
          .join(' ')}`;
      })
      .sort();
  }

  #create(): Desk {
    const state = {
      alarms: [...this.alarms.values()],
      incidents: this.open,
      shelves: this.shelves,
    };
    return new Desk(deskTimes, this.#plan, structuredClone(state));
  }

  #keep({ alarms, ended, incidents, notices, events, shelves }: DeskChanges): void {
    for (const [id, alarm] of alarms) this.alarms.set(id, alarm);
    for (const [id, alarm] of ended) {
      this.alarms.delete(id);
      this.past.set(id, alarm);
    }
    for (const [id, incident] of incidents) this.incidents.set(id, incident);
    this.notices.push(...notices);
    for (const { incident, event } of events)
      this.stories.set(incident, [...(this.stories.get(incident) ?? []), event]);
    for (const [key, shelf] of shelves) {
      if (shelf === undefined) this.shelves.delete(key);
      else this.shelves.set(key, shelf);
    }
  }
}
