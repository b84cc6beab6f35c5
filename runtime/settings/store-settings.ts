import { totalmem } from 'node:os';
import { z } from 'zod';
import type { SettingArea } from './setting-definition.js';
import { count, flag, text, url } from './value-checks.js';

/** The databases: Redis for the reading log and all state, InfluxDB for the points. */
export const storeSettings = {
  REDIS_URL: {
    schema: url('redis:', 'rediss:').optional(),
    help: {
      en: 'Redis or Valkey to use; unset: a private one is started on loopback',
      zh: '使用的 Redis 或 Valkey；未设：在本机回环地址启动私有实例',
    },
    unit: 'URL',
    scope: 'pipeline',
    readers: ['all'],
    secret: true,
  },
  REDIS_MEMORY_MB: {
    schema: count.default(Math.max(256, Math.floor(totalmem() / 2 / 1_048_576))),
    help: {
      en: 'Memory of the private Redis; at 90 % of it no more readings are taken (default: half of the machine’s)',
      zh: '私有 Redis 的内存；用到 90 % 时不再接收读数（默认：本机内存的一半）',
    },
    defaultWords: { en: 'half of the machine’s, at least 256', zh: '本机内存的一半，至少 256' },
    unit: 'MiB',
    scope: 'machine',
    readers: ['up', 'verbs'],
  },
  ALLOW_VOLATILE_REDIS: {
    schema: flag.default(false),
    help: {
      en: '1 accepts a Redis that may lose acknowledged readings (for trials only)',
      zh: '1 表示接受可能丢失已确认读数的 Redis（仅供试验）',
    },
    unit: '0 or 1',
    scope: 'pipeline',
    readers: ['broker', 'up'],
  },
  INFLUX_URL: {
    schema: url('http:', 'https:').optional(),
    help: {
      en: 'InfluxDB 1.x, 2.x or 3 Core to use; unset: a private one is started on loopback',
      zh: '使用的 InfluxDB 1.x、2.x 或 3 Core；未设：在本机回环地址启动私有实例',
    },
    unit: 'URL',
    scope: 'pipeline',
    readers: ['ingest', 'up', 'verbs'],
    secret: true,
  },
  INFLUX_TOKEN: {
    schema: z.string().optional(),
    help: {
      en: 'Token for InfluxDB 2.x or 3, or user:password for 1.x',
      zh: 'InfluxDB 2.x 或 3 的令牌，或 1.x 的“用户名:密码”',
    },
    unit: 'text',
    scope: 'pipeline',
    readers: ['ingest', 'up', 'verbs'],
    secret: true,
  },
  INFLUX_ORG: {
    schema: z.string().optional(),
    help: { en: 'Organisation (InfluxDB 2.x only)', zh: '组织（仅 InfluxDB 2.x）' },
    unit: 'text',
    scope: 'pipeline',
    readers: ['ingest', 'up', 'verbs'],
  },
  INFLUX_BUCKET: {
    schema: text.default('campus'),
    help: {
      en: 'Bucket (2.x) or database (1.x, 3) to write to',
      zh: '写入的 bucket（2.x）或数据库（1.x、3）',
    },
    unit: 'text',
    scope: 'pipeline',
    readers: ['ingest', 'up', 'verbs'],
  },
  INFLUX_BATCH_LINES: {
    schema: count.default(5000),
    help: { en: 'Lines per write to InfluxDB at most', zh: '每次写入 InfluxDB 的最多行数' },
    unit: 'count',
    scope: 'process',
    readers: ['ingest'],
  },
} as const satisfies SettingArea;
