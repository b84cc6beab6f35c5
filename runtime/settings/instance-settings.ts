import { z } from 'zod';
import type { SettingArea } from './setting-definition.js';
import { number, oneOf, port, text } from './value-checks.js';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Where an instance keeps its files, how it is asked, and which clock it goes by. */
export const instanceSettings = {
  DATA_DIR: {
    schema: text.default('var'),
    help: {
      en: 'Folder for the databases, secrets and written mail of this instance',
      zh: '本实例的数据库、密钥和写出的邮件所在文件夹',
    },
    unit: 'folder',
    scope: 'machine',
    readers: ['all'],
  },
  HTTP_HOST: {
    schema: text.default('127.0.0.1'),
    help: { en: 'Address the HTTP API listens on', zh: 'HTTP 接口的监听地址' },
    unit: 'address',
    scope: 'machine',
    readers: ['api', 'up', 'verbs'],
  },
  HTTP_PORT: {
    schema: port.default(8080),
    help: { en: 'TCP port of the HTTP API', zh: 'HTTP 接口的 TCP 端口' },
    unit: 'port',
    scope: 'machine',
    readers: ['api', 'up', 'verbs'],
  },
  TIMEZONE: {
    schema: z
      .string()
      .default('Asia/Shanghai')
      .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', {
        error: 'must be an IANA time zone such as Asia/Shanghai',
      }),
    help: {
      en: 'Time zone that people see; data is stored in UTC',
      zh: '给人看的时间所用时区；数据按 UTC 存储',
    },
    unit: 'word',
    scope: 'pipeline',
    readers: ['alerts', 'api', 'verbs'],
  },
  LOG_LEVEL: {
    schema: oneOf(logLevels).default('info'),
    help: {
      en: `Least severe log line that is written: ${logLevels.join(', ')}`,
      zh: `写出的日志的最低级别：${logLevels.join('、')}`,
    },
    unit: 'word',
    scope: 'process',
    readers: ['broker', 'ingest', 'alerts', 'api', 'bridge', 'up'],
  },
  SIM_SPEED: {
    schema: number('a number above 0, at most 100000', (speed) => speed > 0 && speed <= 100_000).optional(),
    help: {
      en: 'Simulated clock: pipeline seconds per wall second; unset: the wall clock',
      zh: '模拟时钟：现实一秒内管道走过的秒数；未设：使用真实时间',
    },
    unit: 'times real time',
    scope: 'pipeline',
    readers: ['all'],
  },
  SIM_ORIGIN: {
    schema: z.iso
      .datetime({ offset: true, error: 'must be a time with its zone, such as 2026-03-02T08:00:00+08:00' })
      .optional(),
    help: {
      en: 'Simulated clock: pipeline time at the first start, e.g. 2026-03-02T08:00:00+08:00',
      zh: '模拟时钟：首次启动时的管道时间，例如 2026-03-02T08:00:00+08:00',
    },
    unit: 'time',
    scope: 'pipeline',
    readers: ['all'],
  },
} as const satisfies SettingArea;
