import type { DeskAlarm } from './desk-alarm.js';
import type { Incident, IncidentEvent, IncidentNotice } from './incident.js';

/** What came about at the desk since it was last written down. */
export interface DeskChanges {
  readonly alarms: ReadonlyMap<string, DeskAlarm>;
  /** Alarms that the desk is done with: they are over, and so is their incident. */
  readonly ended: ReadonlyMap<string, DeskAlarm>;
  readonly incidents: ReadonlyMap<string, Incident>;
  readonly joined: readonly { readonly incident: string; readonly alarm: string }[];
  readonly events: readonly { readonly incident: string; readonly event: IncidentEvent }[];
  /** In their order. */
  readonly notices: readonly IncidentNotice[];
  /** By key of the alarm; undefined: no more. */
  readonly shelves: ReadonlyMap<string, Shelf | undefined>;
}

/** Alarms of one key that somebody holds back: for a time, or until it is lifted. */
export interface Shelf {
  readonly kind: 'shelved' | 'out_of_service';
  /** Pipeline time, epoch ms; absent where it is out of service. */
  readonly until?: number | undefined;
  readonly by: string;
  /** Since when, epoch ms. */
  readonly at: number;
  readonly comment?: string | undefined;
  /** Of the alarm that it was said of, to be listed by. */
  readonly title: DeskAlarm['title'];
  readonly site: string;
}

/** All that the desk has to know to go on. */
export interface DeskState {
  readonly alarms: readonly DeskAlarm[];
  readonly incidents: readonly Incident[];
  readonly shelves: ReadonlyMap<string, Shelf>;
}

/** Collects what came about. */
export class ChangeBook {
  alarms = new Map<string, DeskAlarm>();
  ended = new Map<string, DeskAlarm>();
  incidents = new Map<string, Incident>();
  joined: { incident: string; alarm: string }[] = [];
  events: { incident: string; event: IncidentEvent }[] = [];
  notices: IncidentNotice[] = [];
  shelves = new Map<string, Shelf | undefined>();

  take(): DeskChanges {
    const { alarms, ended, incidents, joined, events, notices, shelves } = this;
    Object.assign(this, new ChangeBook());
    return { alarms, ended, incidents, joined, events, notices, shelves };
  }
}
