import { longestIntervalS } from '../device.js';
import type { Device } from '../device.js';
import { deviceClassWords } from '../device-class.js';
import { districtWords } from '../district.js';
import type { Weekday } from '../local-time.js';
import { roomKindWords } from '../room.js';
import type { Room } from '../room.js';
import { schoolStageWords, siteKindWords, unassigned } from '../site.js';
import type { Site } from '../site.js';
import { periodKindWords } from '../timetable.js';
import type { PeriodKind } from '../timetable.js';
import type { Vocabulary } from '../words.js';
import { idCell, integerCell, parentCell, serialCell, textCell, wordCell } from './cell.js';
import type { CellFormat } from './cell.js';
import { datesCell, timeOfDayCell, weekdaysCell } from './time-cell.js';

/** A row of the timetable: a stretch of weekdays, or dates on which they do not hold. */
export interface TimetableRow {
  readonly site: string;
  readonly weekdays?: readonly Weekday[] | undefined;
  readonly dates?: readonly string[] | undefined;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly kind: PeriodKind | 'holiday' | 'makeup';
  readonly name?: string | undefined;
}

/** The tables of a registry, and what a row of each is. */
export interface TableRecords {
  readonly sites: Site;
  readonly rooms: Room;
  readonly timetable: TimetableRow;
  readonly devices: Device;
}

export type TableName = keyof TableRecords;

/** In the order in which they refer to each other. */
export const tableNames: readonly TableName[] = ['sites', 'rooms', 'timetable', 'devices'];

/** One column of a table: what it is called and which field of the record it is. */
export interface Column {
  readonly name: string;
  readonly zh: string;
  readonly also: readonly string[];
  readonly field: string;
  readonly required: boolean;
  readonly format: CellFormat<unknown>;
}

const timetableKindWords: Vocabulary<TimetableRow['kind']> = {
  ...periodKindWords,
  holiday: { zh: '放假', en: 'Holiday', also: ['节假日', '假期', '假日'] },
  makeup: { zh: '调休', en: 'Make-up day', also: ['补课', '调课'] },
};

const siteNames = ['站点', '学校编号', '学校代码', '校区编号', '学校', 'site id', 'school'] as const;
const chineseNames = ['中文名称', '学校名称', '房间名称', 'name'] as const;

const districtOrNoneWords: Vocabulary<Site['district']> = {
  ...districtWords,
  [unassigned]: { zh: '未分配', en: 'Unassigned' },
};

const ofSites = columnOf<Site>();
const ofRooms = columnOf<Room>();
const ofTimetable = columnOf<TimetableRow>();
const ofDevices = columnOf<Device>();

/** The columns of each table, in the order in which they are written. */
export const columnsOf: { readonly [Table in TableName]: readonly Column[] } = {
  sites: [
    ofSites('site', '站点编号', siteNames, 'id', idCell, true),
    ofSites('kind', '类型', ['站点类型'], 'kind', wordCell(siteKindWords), true),
    ofSites('district', '区', ['行政区', '所属区', '区县'], 'district', wordCell(districtOrNoneWords), true),
    ofSites('stage', '学段', ['办学类型'], 'stage', wordCell(schoolStageWords)),
    ofSites(
      'uplink_mbps',
      '签约带宽',
      ['带宽', '出口带宽', 'uplink', 'bandwidth'],
      'uplinkMbps',
      integerCell(1, 1_000_000),
    ),
    ofSites('name_zh', '名称', chineseNames, 'nameZh', textCell),
    ofSites('name_en', '英文名称', ['英文名'], 'nameEn', textCell),
  ],
  rooms: [
    ofRooms('site', '站点编号', siteNames, 'site', idCell, true),
    ofRooms('room', '房间编号', ['房间', '教室编号', '教室', 'room id'], 'id', idCell, true),
    ofRooms('kind', '类型', ['房间类型', '教室类型'], 'kind', wordCell(roomKindWords), true),
    ofRooms('capacity', '容量', ['座位数', '容纳人数', 'seats'], 'capacity', integerCell(0, 100_000)),
    ofRooms('floor', '楼层', ['层'], 'floor', integerCell(-9, 99)),
    ofRooms('name_zh', '名称', chineseNames, 'nameZh', textCell),
    ofRooms('name_en', '英文名称', ['英文名'], 'nameEn', textCell),
  ],
  timetable: [
    ofTimetable('site', '站点编号', siteNames, 'site', idCell, true),
    ofTimetable('weekday', '星期', ['周', '星期几', 'day'], 'weekdays', weekdaysCell),
    ofTimetable('date', '日期', ['dates'], 'dates', datesCell),
    ofTimetable('start', '开始', ['开始时间', 'from'], 'start', timeOfDayCell),
    ofTimetable('end', '结束', ['结束时间', 'to', 'until'], 'end', timeOfDayCell),
    ofTimetable('kind', '类型', ['时段类型'], 'kind', wordCell(timetableKindWords), true),
    ofTimetable('name', '名称', ['节次', '时段'], 'name', textCell),
  ],
  devices: [
    ofDevices('device', '设备编号', ['设备', 'device id'], 'id', idCell, true),
    ofDevices(
      'class',
      '设备类型',
      ['类型', '类别', 'device class'],
      'deviceClass',
      wordCell(deviceClassWords),
      true,
    ),
    ofDevices('site', '站点编号', siteNames, 'site', idCell, true),
    ofDevices('room', '房间编号', ['房间', '教室编号', '教室', 'room id'], 'room', idCell),
    ofDevices('model', '型号', ['设备型号'], 'model', textCell),
    ofDevices('serial', '序列号', ['sn', 'serial number', '出厂编号'], 'serial', serialCell),
    ofDevices('parent', '上级设备', ['上级', '上联', '上联端口', 'uplink device'], 'parent', parentCell),
    ofDevices(
      'interval_s',
      '上报间隔',
      ['上报周期', 'interval'],
      'intervalS',
      integerCell(1, longestIntervalS),
    ),
  ],
};

/** Columns that people keep for themselves; they are passed over. */
export const ignoredColumns: readonly string[] = [
  'note',
  'notes',
  'remark',
  'remarks',
  'no',
  '备注',
  '说明',
  '序号',
];

function columnOf<Record>() {
  return <Field extends keyof Record & string>(
    name: string,
    zh: string,
    also: readonly string[],
    field: Field,
    format: CellFormat<NonNullable<Record[Field]>>,
    required = false,
  ): Column => ({ name, zh, also, field, required, format });
}
