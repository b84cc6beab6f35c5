import type { DeviceClass } from '../../devices/device-class.js';
import type { PresenceState } from '../../devices/presence.js';
import type { DeviceRef } from '../device-ref.js';
import { ownCells } from '../expression/layout.js';
import type { Layout } from '../expression/layout.js';
import type { Cells } from '../expression/cells.js';
import type { GroupSight } from '../expression/sight.js';
import type { GroupKind } from '../group-kind.js';
import type { Activated, Activation } from './activations.js';
import type { AlarmState } from './alarm-state.js';
import type { Program } from './program.js';

/** Where the device's own times are in its cells, beside what is remembered: a number there costs no object. */
const own = { heardAt: 0, newestAt: 1, judgedAt: 2, lagMs: 3 } as const;

const noAlarms: readonly undefined[] = [];
const noTraits: readonly boolean[] = [];

/** What rules are evaluated on: a device, or one of its parts. */
export class Subject implements Activated {
  cells: Cells = new Float64Array(ownCells);
  layout: Layout;
  activations: Map<string, Activation> | undefined = undefined;
  /** Alarms that are not at rest, by the places of their rules; shared and empty while all are at rest. */
  #alarms: readonly (AlarmState | undefined)[] = noAlarms;

  constructor({ layout }: Program) {
    this.layout = layout;
  }

  get alarms(): readonly (AlarmState | undefined)[] {
    return this.#alarms;
  }

  /** Puts the alarm of a rule in its place; undefined: it is at rest. @param device itself, or what it is a part of */
  setAlarm(place: number, alarm: AlarmState | undefined, device: DeviceState): void {
    if (this.#alarms === noAlarms) {
      if (alarm === undefined) return;
      this.#alarms = device.program.rules.map(() => undefined);
    }
    if (this.#alarms[place] === undefined && alarm !== undefined) device.alarmCount++;
    if (this.#alarms[place] !== undefined && alarm === undefined) device.alarmCount--;
    (this.#alarms as (AlarmState | undefined)[])[place] = alarm;
    if (alarm === undefined && this.#alarms.every((each) => each === undefined)) this.#alarms = noAlarms;
  }

  /** Gives a memory cells, or more of them. */
  grow(place: number): void {
    const layout = this.layout.grown(place);
    this.cells = layout.adopt(this.cells, this.layout);
    this.layout = layout;
  }
}

/** All that the engine remembers of one device. */
export class DeviceState extends Subject {
  #device: DeviceRef;
  /** Less silence, and no rule or count about silence is moved by it. */
  leastSilenceMs: number;
  /** Alarms that are not at rest, of the device and its parts. */
  alarmCount = 0;
  /** It waits for something that time alone can bring about. */
  waits = false;
  readonly program: Program;
  /** It said that it goes to sleep: its silence is no fault. */
  asleep = false;
  /** `presence` in conditions; undefined until somebody says. */
  presence: PresenceState | undefined = undefined;
  /** Its silence may be that of what it is reached through: nobody can say how long it was silent itself. */
  excused = false;
  /** A rule about its silence is not at rest. */
  isMissed = false;
  readonly parts = new Map<string, Subject>();
  readonly groups: Partial<Record<GroupKind, GroupState>> = {};
  /** Differs from what `takeChanges` last gave out. */
  changed = false;
  /** So do its memories that are kept apart. */
  slowChanged = false;
  #traits: readonly boolean[] = noTraits;

  constructor(device: DeviceRef, program: Program) {
    super(program);
    this.#device = device;
    this.program = program;
    this.leastSilenceMs = 1000 * program.leastSilence(device);
    this.heardAt = this.newestAt = this.judgedAt = -Infinity;
  }

  get device(): DeviceRef {
    return this.#device;
  }

  set device(device: DeviceRef) {
    this.#device = device;
    this.leastSilenceMs = 1000 * this.program.leastSilence(device);
  }

  /** Whether the passing of time can move anything of it beside silence. */
  get isRestless(): boolean {
    return this.alarmCount > 0 || this.waits || this.#traits !== noTraits;
  }

  /** Pipeline time at which anything was last heard of the device. */
  get heardAt(): number {
    return this.cells[own.heardAt] as number;
  }

  set heardAt(at: number) {
    this.cells[own.heardAt] = at;
  }

  /** Event time of its newest reading; -Infinity before the first. */
  get newestAt(): number {
    return this.cells[own.newestAt] as number;
  }

  set newestAt(at: number) {
    this.cells[own.newestAt] = at;
  }

  /** Event time up to which its rules are judged: that of its newest reading or event. */
  get judgedAt(): number {
    return this.cells[own.judgedAt] as number;
  }

  set judgedAt(at: number) {
    this.cells[own.judgedAt] = at;
  }

  /** By how much its newest reading arrived after its own time, ms: what its clock is behind. */
  get lagMs(): number {
    return this.cells[own.lagMs] as number;
  }

  set lagMs(ms: number) {
    this.cells[own.lagMs] = ms;
  }

  /** Whether it is in each of the conditions that its groups count; shared and empty while it is in none. */
  get traits(): readonly boolean[] {
    return this.#traits;
  }

  setTrait(place: number, holds: boolean): void {
    if (this.#traits === noTraits) {
      if (!holds) return;
      this.#traits = this.program.traits.map(() => false);
    }
    (this.#traits as boolean[])[place] = holds;
    if (!holds && !this.#traits.includes(true)) this.#traits = noTraits;
  }
}

/** What is the same of all devices of a group: their class, their site, and what they are together by. */
export interface GroupRef {
  readonly deviceClass: DeviceClass;
  readonly kind: GroupKind;
  /** Empty for one that reaches over several. */
  readonly site: string;
  /** The room, the floor, the device that they are reached through, the site, or the district. */
  readonly id: string;
}

/** The devices of a class that are in one room, on one floor, behind one device or at one site. */
export interface GroupState extends GroupSight, Activated {
  readonly ref: GroupRef;
  /** Stands for the group in the ids of its alarms; safe in file names. */
  readonly subject: string;
  readonly program: Program;
  readonly members: Set<DeviceState>;
  size: number;
  readonly counts: number[];
  readonly medians: (number | undefined)[];
  /** Traits that nobody knows the count of just now, by their places. */
  unknown: ReadonlySet<number>;
  /** Some of its devices are left out just now, because nothing is told of them. */
  isPartial: boolean;
  /** Alarms that are not at rest, by the places of their rules. */
  readonly alarms: (AlarmState | undefined)[];
  /** Differs from what `takeChanges` last gave out. */
  changed: boolean;
}
