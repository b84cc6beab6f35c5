import type { Vocabulary } from './words.js';

export type RoomKind =
  | 'classroom'
  | 'laboratory'
  | 'computer_room'
  | 'library'
  | 'hall'
  | 'office'
  | 'gym'
  | 'corridor'
  | 'equipment'
  | 'outdoor'
  | 'other';

export const roomKindWords: Vocabulary<RoomKind> = {
  classroom: { zh: '教室', en: 'Classroom', also: ['普通教室', '课室'] },
  laboratory: { zh: '实验室', en: 'Laboratory', also: ['lab', '专用教室'] },
  computer_room: { zh: '计算机教室', en: 'Computer room', also: ['机房', '电脑室', '计算机室'] },
  library: { zh: '图书馆', en: 'Library', also: ['图书室', '阅览室'] },
  hall: { zh: '报告厅', en: 'Hall', also: ['礼堂', '会议室', '多功能厅'] },
  office: { zh: '办公室', en: 'Office', also: ['教师办公室'] },
  gym: { zh: '体育馆', en: 'Gym', also: ['风雨操场'] },
  corridor: { zh: '走廊', en: 'Corridor', also: ['公共区域', '楼道'] },
  equipment: { zh: '设备间', en: 'Equipment room', also: ['弱电间', '网络机房', '中心机房'] },
  outdoor: { zh: '室外', en: 'Outdoor', also: ['操场'] },
  other: { zh: '其他', en: 'Other', also: ['其它'] },
};

/** A room of a site. Its id is unique in its site only. */
export interface Room {
  readonly site: string;
  readonly id: string;
  readonly kind: RoomKind;
  /** Seats. */
  readonly capacity?: number | undefined;
  /** 1 is the ground floor, as buildings count in China; below ground is negative. */
  readonly floor?: number | undefined;
  readonly nameZh?: string | undefined;
  readonly nameEn?: string | undefined;
}

/** What identifies a room in the city. */
export function roomKey(site: string, room: string): string {
  return `${site}/${room}`;
}
