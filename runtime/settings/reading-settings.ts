import { z } from 'zod';
import type { SettingArea } from './setting-definition.js';
import { count, days, flag, seconds, wholeNumber } from './value-checks.js';

/** The way of a reading: where else it comes from, the log, its age, the rules, the quarantine. */
export const readingSettings = {
  RULES_DIR: {
    schema: z.string().optional(),
    help: {
      en: 'Folder of your own rule files, beside the shipped catalogue: a rule with the id of a shipped one replaces it',
      zh: '自己的规则文件夹，与随附的规则目录一并使用：与随附规则 id 相同的规则取代该随附规则',
    },
    unit: 'folder',
    scope: 'pipeline',
    readers: ['ingest', 'up', 'verbs'],
  },
  RULES_CATALOGUE: {
    schema: flag.default(true),
    help: {
      en: '0 leaves the shipped catalogue out: only the rules of RULES_DIR are evaluated',
      zh: '0 表示不用随附的规则目录：只执行 RULES_DIR 中的规则',
    },
    unit: '0 or 1',
    scope: 'pipeline',
    readers: ['ingest', 'up', 'verbs'],
  },
  BRIDGES_FILE: {
    schema: z.string().optional(),
    help: {
      en: 'YAML file of the other brokers that readings are taken from; unset: none',
      zh: '要接入的其他消息服务器的 YAML 文件；未设：无',
    },
    unit: 'file',
    scope: 'machine',
    readers: ['bridge', 'up', 'verbs'],
  },
  PROFILES_DIR: {
    schema: z.string().optional(),
    help: {
      en: "Folder of your own profiles of vendors' payloads, beside the shipped ones",
      zh: '自己的厂商协议档案文件夹，与随附的一并使用',
    },
    unit: 'folder',
    scope: 'pipeline',
    readers: ['bridge', 'ingest', 'up', 'verbs'],
  },
  LOG_SHARDS: {
    schema: wholeNumber('a whole number, 1 to 256', 1, 256).default(4),
    help: {
      en: 'Shards of the reading log; fixed when the log is first used',
      zh: '读数日志的分片数；日志首次使用时即固定',
    },
    unit: 'count',
    scope: 'pipeline',
    readers: ['broker', 'bridge', 'ingest'],
  },
  APPEND_TIMEOUT_S: {
    schema: seconds.default(10),
    help: {
      en: 'A message the reading log has not taken by then is never acknowledged: its connection is closed',
      zh: '到时读数日志仍未收下的消息不会被确认，其连接会被关闭',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker', 'bridge'],
  },
  LATENESS_LIMIT_S: {
    schema: seconds.default(900),
    help: {
      en: 'Readings older than this on arrival raise no alarm',
      zh: '到达时已早于此时长的读数不产生告警',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['ingest', 'verbs'],
  },
  FUTURE_LIMIT_S: {
    schema: seconds.default(300),
    help: {
      en: 'Readings further ahead of the clock than this are quarantined as a wrong clock',
      zh: '时间超前于此时长的读数按时钟错误隔离',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['ingest'],
  },
  MAX_AGE_DAYS: {
    schema: days.default(30),
    help: {
      en: 'Readings older than this on arrival are quarantined as a wrong clock',
      zh: '到达时已早于此天数的读数按时钟错误隔离',
    },
    unit: 'days',
    scope: 'pipeline',
    readers: ['ingest'],
  },
  QUARANTINE_COUNT: {
    schema: count.default(500_000),
    help: {
      en: 'Messages kept in quarantine, shared out over the shards; above it the oldest expire, counted as that',
      zh: '隔离区保留的消息数，由各分片均分；超出时最旧的过期并计数',
    },
    unit: 'count',
    scope: 'pipeline',
    readers: ['ingest', 'verbs'],
  },
  QUARANTINE_BYTES: {
    schema: count.default(134_217_728),
    help: { en: 'Bytes kept in quarantine, in the same way', zh: '隔离区保留的字节数，处理方式相同' },
    unit: 'bytes',
    scope: 'pipeline',
    readers: ['ingest', 'verbs'],
  },
  RECONNECT_GRACE_S: {
    schema: seconds.default(90),
    help: {
      en: 'Devices that lost their connection, or whose broker did, have this long to come back before they are missed',
      zh: '连接中断的设备（或其 broker 中断）在判为缺失之前有多久可以重连',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['broker', 'ingest'],
  },
} as const satisfies SettingArea;
