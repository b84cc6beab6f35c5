import { presenceStates } from '../../devices/presence.js';
import { roomKindWords } from '../../devices/room.js';
import { schoolStageWords } from '../../devices/site.js';
import type { SchoolPhase } from '../../devices/timetable.js';
import type { Bilingual } from '../alarm.js';
import { intervalOf } from '../device-ref.js';
import type { DeviceRef } from '../device-ref.js';
import type { Uses } from './moved-by.js';
import type { Sight } from './sight.js';

/** A name that is no metric but that conditions can use. */
interface ContextName {
  /** One sentence for the reference. */
  readonly gives: Bilingual;
  /** Of a group, too: it is about the site. */
  readonly ofGroups?: true;
  readonly uses?: keyof Uses;
  readonly number?: (sight: Sight) => number;
  /** The number, where it depends only on how the device is registered. */
  readonly fixed?: (device: DeviceRef) => number;
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
    gives: { en: 'seconds since anything was heard of the device', zh: '距离上次收到该设备任何消息的秒数' },
    uses: 'silence',
    number: (sight) => sight.silenceS,
  },
  presence: {
    gives: {
      en: 'whether the device is there: online, sleeping, stale, offline or unknown',
      zh: '设备是否在线：online、sleeping、stale、offline 或 unknown',
    },
    uses: 'silence',
    word: (sight) => sight.presence,
    words: presenceStates,
    unsure: 'unknown',
  },
  interval_s: {
    gives: { en: 'seconds between two reports of the device', zh: '设备两次上报的间隔秒数' },
    number: (sight) => intervalOf(sight.device),
    fixed: intervalOf,
  },
  phase: {
    gives: {
      en:
        'what goes on at the site by its timetable: lesson, break, after_school or night; without a timetable the ' +
        'clock tells night and after_school, and it is unknown on workdays from 07:00 to 18:00',
      zh:
        '按课表此刻学校处于什么时段：lesson（上课）、break（课间）、after_school（放学后）或 night（夜间）；没有课表时按钟点判断夜间和' +
        '放学后，工作日 7:00 至 18:00 为未知',
    },
    ofGroups: true,
    word: ({ calendar, device, at }) => calendar.phaseAt(device.site, at),
    words: Object.keys(phases),
  },
  maintenance: {
    gives: {
      en: 'whether work on the device, its room or its site is announced',
      zh: '设备、所在房间或站点是否已登记检修',
    },
    ofGroups: true,
    truth: ({ calendar, device, at }) => calendar.isInMaintenance(device, at),
  },
  stage: {
    gives: {
      en: 'the stage of the school, such as primary or senior',
      zh: '学段，如 primary（小学）、senior（高中）',
    },
    ofGroups: true,
    word: ({ device }) => device.stage,
    words: Object.keys(schoolStageWords),
  },
  contracted_mbps: {
    gives: { en: "the contracted rate of the site's uplink, Mbit/s", zh: '站点出口的签约带宽，Mbit/s' },
    ofGroups: true,
    number: ({ device }) => device.contractedMbps ?? NaN,
  },
  room_kind: {
    gives: {
      en: "the kind of the device's room, such as classroom",
      zh: '设备所在房间的类型，如 classroom（教室）',
    },
    word: ({ device }) => device.roomKind,
    words: Object.keys(roomKindWords),
  },
  capacity: {
    gives: { en: "the seats of the device's room", zh: '设备所在房间的座位数' },
    number: ({ device }) => device.capacity ?? NaN,
  },
  model: {
    gives: { en: 'the model of the device as it is registered', zh: '登记的设备型号' },
    word: ({ device }) => device.model,
  },
  part: {
    gives: {
      en: 'the name of the part that is judged, such as radio5; "" where it is the device as a whole',
      zh: '正在判断的部件名，如 radio5；判断整台设备时为 ""',
    },
    word: (sight) => sight.part ?? '',
  },
} as const satisfies Readonly<Record<string, ContextName>>;

export const contextNames: readonly string[] = Object.keys(names);

/** What each of them gives, for the reference. */
export const contextMeanings: readonly { readonly name: string; readonly gives: Bilingual }[] =
  Object.entries(names).map(([name, { gives }]) => ({ name, gives }));

/** Undefined where conditions can't use that name, unless it is a metric. */
export function findContextName(name: string): ContextName | undefined {
  return Object.hasOwn(names, name) ? names[name as keyof typeof names] : undefined;
}
