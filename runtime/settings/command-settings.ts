import type { SettingArea } from './setting-definition.js';
import { count, days } from './value-checks.js';

/** How long it can be asked what became of a command. */
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
  COMMAND_AUDIT_COUNT: {
    schema: count.default(200_000),
    help: { en: 'Entries of the command audit kept, about', zh: '命令审计大约保留多少条记录' },
    unit: 'count',
    scope: 'pipeline',
    readers: ['ingest'],
  },
} as const satisfies SettingArea;
