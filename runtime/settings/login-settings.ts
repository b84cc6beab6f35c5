import type { SettingArea } from './setting-definition.js';
import { count, seconds } from './value-checks.js';

/** How who fails to log in is slowed down, and how often who is in is looked at again. */
export const loginSettings = {
  LOGIN_FAILURES_PER_DEVICE: {
    schema: count.default(5),
    help: {
      en: 'Wrong logins a minute of one id from one address before their refusals are held back',
      zh: '同一地址上同一编号每分钟登录失败达到此数后，拒绝应答开始延迟',
    },
    unit: 'failures/min',
    scope: 'process',
    readers: ['broker', 'api'],
  },
  LOGIN_FAILURES_PER_ID: {
    schema: count.default(20),
    help: { en: 'The same of one id from anywhere', zh: '同上，同一编号，不论地址' },
    unit: 'failures/min',
    scope: 'process',
    readers: ['broker', 'api'],
  },
  LOGIN_FAILURES_PER_ADDRESS: {
    schema: count.default(200),
    help: {
      en: 'The same of all ids from one address; right passwords are let in at once all the same',
      zh: '同上，同一地址上的所有编号；密码正确者仍立即放行',
    },
    unit: 'failures/min',
    scope: 'process',
    readers: ['broker', 'api'],
  },
  LOGIN_FAILURE_DELAY_S: {
    schema: seconds.default(10),
    help: { en: 'How long a refusal is held back at most', zh: '拒绝应答最多延迟多久' },
    unit: 's',
    scope: 'process',
    readers: ['broker', 'api'],
  },
  LOGIN_HELD: {
    schema: count.default(1000),
    help: {
      en: 'Refusals held back at once; further ones are given at once, since each held back one keeps a socket',
      zh: '同时延迟的拒绝应答数；其余立即答复，因为每个延迟的应答占用一个连接',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker', 'api'],
  },
  LOGIN_HELD_PER_ADDRESS: {
    schema: count.default(8),
    help: {
      en: 'The same for one address',
      zh: '同上，每个地址',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker', 'api'],
  },
  RECHECK_S: {
    schema: seconds.default(30),
    help: {
      en: 'How often every open connection is checked against the registry; changes are acted on at once anyway',
      zh: '每隔多久对照登记表检查所有连接；登记表的变化本来就立即生效',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker'],
  },
} as const satisfies SettingArea;
