import { presenceStates } from '../../devices/presence.js';
import { roomKindWords } from '../../devices/room.js';
import { schoolStageWords } from '../../devices/site.js';
import type { SchoolPhase } from '../../devices/timetable.js';
import type { Uses } from './moved-by.js';
import type { Sight } from './sight.js';

/** A name that is no metric but that conditions can use. */
interface ContextName {
  /** One sentence for the reference. */
  readonly gives: string;
  /** Of a group, too: it is about the site. */
  readonly ofGroups?: true;
  readonly uses?: keyof Uses;
  readonly number?: (sight: Sight) => number;
  readonly word?: (sight: Sight) => string | undefined;
  readonly truth?: (sight: Sight) => boolean | undefined;
  /** The only words that it can be. */
  readonly words?: readonly string[];
  /** The word that says that it may be any of the others. */
  readonly unsure?: string;
}

const phases: Readonly<Record<SchoolPhase, true>> = {
  lesson: true,
  break: true,
  after_school: true,
  night: true,
};

const names = {
  silence_s: {
    gives: 'seconds since anything was heard of the device',
    uses: 'silence',
    number: (sight) => sight.silenceS,
  },
  presence: {
    gives: 'whether the device is there: online, sleeping, stale, offline or unknown',
    uses: 'silence',
    word: (sight) => sight.presence,
    words: presenceStates,
    unsure: 'unknown',
  },
  interval_s: {
    gives: 'seconds between two reports of the device',
    number: (sight) => sight.device.intervalS ?? 60,
  },
  phase: {
    gives: 'what goes on at the site by its timetable: lesson, break, after_school or night',
    ofGroups: true,
    word: ({ calendar, device, at }) => calendar.phaseAt(device.site, at),
    words: Object.keys(phases),
  },
  maintenance: {
    gives: 'whether work on the device, its room or its site is announced',
    ofGroups: true,
    truth: ({ calendar, device, at }) => calendar.isInMaintenance(device, at),
  },
  stage: {
    gives: 'the stage of the school, such as primary or senior',
    ofGroups: true,
    word: ({ device }) => device.stage,
    words: Object.keys(schoolStageWords),
  },
  contracted_mbps: {
    gives: "the contracted rate of the site's uplink, Mbit/s",
    ofGroups: true,
    number: ({ device }) => device.contractedMbps ?? NaN,
  },
  room_kind: {
    gives: "the kind of the device's room, such as classroom",
    word: ({ device }) => device.roomKind,
    words: Object.keys(roomKindWords),
  },
  capacity: {
    gives: "the seats of the device's room",
    number: ({ device }) => device.capacity ?? NaN,
  },
  model: { gives: 'the model of the device as it is registered', word: ({ device }) => device.model },
  part: {
    gives: 'the name of the part that is judged, such as radio5; "" where it is the device as a whole',
    word: (sight) => sight.part ?? '',
  },
} as const satisfies Readonly<Record<string, ContextName>>;

export const contextNames: readonly string[] = Object.keys(names);

/** Undefined where conditions can't use that name, unless it is a metric. */
export function findContextName(name: string): ContextName | undefined {
  return Object.hasOwn(names, name) ? names[name as keyof typeof names] : undefined;
}
