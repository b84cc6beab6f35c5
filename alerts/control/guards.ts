import type { Action } from '../../devices/action.js';
import type { Device } from '../../devices/device.js';
import { unassigned } from '../../devices/site.js';
import type { SchoolPhase } from '../../devices/timetable.js';

/** What may hold a command back, in the order in which they are asked. */
export const guardNames = [
  'exam',
  'lesson',
  'timetable',
  'room',
  'common_cause',
  'cool_down',
  'day_budget',
  'class_share',
  'site',
  'city',
] as const;
export type GuardName = (typeof guardNames)[number];

/** How much may happen at once and in a row; design values of ours. */
export const controlLimits = {
  /** Between two commands to one device, ms. */
  coolDownMs: 15 * 60_000,
  /** Commands to one device in 24 hours; then a person has to look. */
  mostADay: 3,
  /** Commands under way at one site. */
  mostAtSite: 2,
  /** Share of the devices of a class at a site that are acted on at a time; one always may be. */
  classShare: 0.1,
  /** From this share of a class at a site that is not well on, one cause is behind it all. */
  commonCauseShare: 0.3,
  /** Sites with commands under way. */
  mostSites: 5,
} as const;

/** Who is behind a command: a person who sends one, a person's group command, or a runbook. */
export type OrderKind = 'single' | 'group' | 'runbook';

/** What is to be done to a device. */
export interface GuardedOrder {
  readonly kind: OrderKind;
  readonly device: Device;
  readonly actionName: string;
  readonly action: Pick<Action, 'safeInLesson' | 'harmless'>;
  /** Guards that a person has set aside; a runbook can't. */
  readonly overrides: readonly string[];
}

/** What is known of the city when it is asked. */
export interface ControlScene {
  /** Pipeline time, epoch ms. */
  readonly now: number;
  /** Of the site; undefined where it has no timetable. */
  readonly phase: SchoolPhase | undefined;
  readonly isExam: boolean;
  /** Local hour, 0 to 23. */
  readonly hour: number;
  /** When the device was commanded in the last 24 hours, oldest first. */
  readonly lately: readonly number[];
  /** Devices that have a command under way which is not harmless, but for this one. */
  readonly underway: readonly Device[];
  /** Of its class at its site, itself included. */
  readonly classSize: number;
  /** Of them those that are offline or have a serious alarm. */
  readonly unwell: readonly string[];
  /** The other access points of its room that are offline or have a serious alarm. */
  readonly unwellRoommates: readonly string[];
}

/** Why a command may not be sent now. */
export interface Refusal {
  readonly guard: GuardName;
  /** One sentence, with the numbers. */
  readonly message: string;
  /** Waiting may help: it may be asked again; `until` (epoch ms) where it is known when. */
  readonly passes: boolean;
  readonly until?: number | undefined;
}

type Guard = (order: GuardedOrder, scene: ControlScene) => Omit<Refusal, 'guard'> | undefined;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Without a timetable a runbook takes these hours for lessons; local time. */
const assumedLessons = { from: 7, until: 22 } as const;

const guards: Readonly<Record<GuardName, { readonly binds: readonly OrderKind[]; readonly ask: Guard }>> = {
  exam: {
    binds: ['single', 'group', 'runbook'],
    ask: ({ device }, { isExam }) =>
      isExam
        ? {
            message: `An exam is being written at site "${device.site}": nothing is changed there until it is over.`,
            passes: true,
          }
        : undefined,
  },
  lesson: {
    binds: ['single', 'group', 'runbook'],
    ask: ({ action, actionName, device }, { phase }) =>
      !action.safeInLesson && phase === 'lesson'
        ? {
            message: `Site "${device.site}" is teaching, and ${actionName} would disturb a lesson: it waits for the break.`,
            passes: true,
          }
        : undefined,
  },
  timetable: {
    binds: ['runbook'],
    ask: ({ action, actionName, device }, { phase, hour }) =>
      !action.safeInLesson &&
      phase === undefined &&
      hour >= assumedLessons.from &&
      hour < assumedLessons.until
        ? {
            message: `Site "${device.site}" has no timetable: ${actionName} may disturb a lesson between ${assumedLessons.from}:00 and ${assumedLessons.until}:00.`,
            passes: true,
          }
        : undefined,
  },
  room: {
    binds: ['single', 'group', 'runbook'],
    ask: ({ device, action }, { underway, unwellRoommates }) => {
      if (device.deviceClass !== 'ap' || device.room === unassigned || action.safeInLesson) return undefined;
      const busy = underway.find(
        ({ site, room, deviceClass }) => deviceClass === 'ap' && site === device.site && room === device.room,
      );
      if (busy !== undefined)
        return {
          message: `${busy.id} is in room "${device.room}" too and is being acted on: never both access points of a room at a time.`,
          passes: true,
        };
      const [down] = unwellRoommates;
      return down === undefined
        ? undefined
        : {
            message: `${down} is in room "${device.room}" too and is not well: ${device.id} is what the room has left.`,
            passes: true,
          };
    },
  },
  common_cause: {
    binds: ['group', 'runbook'],
    ask: ({ device }, { classSize, unwell }) =>
      unwell.length >= 2 && unwell.length >= controlLimits.commonCauseShare * classSize
        ? {
            message: `${unwell.length} of ${classSize} devices of class ${device.deviceClass} at site "${device.site}" are not well (${percent(controlLimits.commonCauseShare)} or more): one cause is behind that, look for it first.`,
            passes: false,
          }
        : undefined,
  },
  cool_down: {
    binds: ['group', 'runbook'],
    ask: ({ device }, { now, lately }) => {
      const last = lately.at(-1);
      if (last === undefined || now - last >= controlLimits.coolDownMs) return undefined;
      const minutes = Math.floor((now - last) / minuteMs);
      return {
        message: `Device "${device.id}" was commanded ${minutes} min ago: ${controlLimits.coolDownMs / minuteMs} min have to pass.`,
        passes: true,
        until: last + controlLimits.coolDownMs,
      };
    },
  },
  day_budget: {
    binds: ['group', 'runbook'],
    ask: ({ device }, { now, lately }) => {
      const count = lately.filter((at) => at > now - dayMs).length;
      return count >= controlLimits.mostADay
        ? {
            message: `Device "${device.id}" was commanded ${count} times in 24 hours, ${controlLimits.mostADay} are the most: a person has to look at it.`,
            passes: false,
          }
        : undefined;
    },
  },
  class_share: {
    binds: ['group', 'runbook'],
    ask: ({ device }, { classSize, underway }) => {
      const most = Math.max(1, Math.floor(controlLimits.classShare * classSize));
      const count = underway.filter(
        ({ site, deviceClass }) => site === device.site && deviceClass === device.deviceClass,
      ).length;
      return count >= most
        ? {
            message: `${count} of ${classSize} devices of class ${device.deviceClass} at site "${device.site}" are being acted on, ${most} may be (${percent(controlLimits.classShare)}).`,
            passes: true,
          }
        : undefined;
    },
  },
  site: {
    binds: ['group', 'runbook'],
    ask: ({ device }, { underway }) => {
      const count = underway.filter(({ site }) => site === device.site).length;
      return count >= controlLimits.mostAtSite
        ? {
            message: `${count} commands are under way at site "${device.site}", ${controlLimits.mostAtSite} may be.`,
            passes: true,
          }
        : undefined;
    },
  },
  city: {
    binds: ['group', 'runbook'],
    ask: ({ device }, { underway }) => {
      const sites = new Set(underway.map(({ site }) => site));
      return !sites.has(device.site) && sites.size >= controlLimits.mostSites
        ? {
            message: `Commands are under way at ${sites.size} sites, ${controlLimits.mostSites} may have some at once.`,
            passes: true,
          }
        : undefined;
    },
  },
};

/** The first guard that holds the command back; undefined where none does. */
export function findRefusal(order: GuardedOrder, scene: ControlScene): Refusal | undefined {
  if (order.action.harmless === true) return undefined;
  for (const guard of guardNames) {
    const { binds, ask } = guards[guard];
    if (!binds.includes(order.kind)) continue;
    if (order.kind !== 'runbook' && order.overrides.includes(guard)) continue;
    const refusal = ask(order, scene);
    if (refusal !== undefined) return { guard, ...refusal };
  }
  return undefined;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
