import type { SettingArea } from './setting-definition.js';
import { count, days, number } from './value-checks.js';

/** How long it can be asked what became of a command, and who did what. */
export const commandSettings = {
  COMMAND_HISTORY_DAYS: {
    schema: days.default(7),
    help: { en: 'Finished commands are kept so long', zh: '已结束的命令保留多久' },
    unit: 'days',
    scope: 'pipeline',
    readers: ['ingest'],
  },
  COMMAND_HISTORY_COUNT: {
    schema: count.default(50_000),
    help: { en: 'Finished commands kept at most', zh: '最多保留多少条已结束的命令' },
    unit: 'count',
    scope: 'pipeline',
    readers: ['ingest'],
  },
  AUDIT_DAYS: {
    schema: number('a number of days, 180 or more', (value) => value >= 180).default(400),
    help: { en: 'Records of the audit log are kept so long', zh: '审计日志的记录保留多久' },
    unit: 'days',
    scope: 'pipeline',
    readers: ['alerts', 'verbs'],
  },
} as const satisfies SettingArea;
