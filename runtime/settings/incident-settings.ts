import type { SettingArea } from './setting-definition.js';
import { count, days, seconds } from './value-checks.js';

/** How alarms become incidents, and how long those are remembered. Seconds are those of the pipeline's clock. */
export const incidentSettings = {
  INCIDENT_WAIT_S: {
    schema: seconds.default(75),
    help: {
      en: 'So long an alarm that something above it may explain waits for that, before it is an incident of its own; critical ones do not wait',
      zh: '可能由上级故障引起的告警在单独成为事件之前等待上级告警多久；紧急告警不等待',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['alerts'],
  },
  FLEETING_S: {
    schema: seconds.default(10),
    help: {
      en: 'Alarms that are over sooner are fleeting: recorded, and nobody is told',
      zh: '持续不到此时长的告警为瞬时告警：只记录，不通知',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['alerts'],
  },
  INCIDENT_QUIET_S: {
    schema: seconds.default(60),
    help: {
      en: 'An incident is closed when all its alarms have been over for so long',
      zh: '事件的全部告警结束多久之后，事件关闭',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['alerts'],
  },
  RECOVERY_GRACE_S: {
    schema: seconds.default(300),
    help: {
      en: 'When the cause of an incident is over, its other alarms have so long to recover before they are judged afresh',
      zh: '事件的原因消除后，其余告警有多久自行恢复，之后重新判断',
    },
    unit: 's',
    scope: 'pipeline',
    readers: ['alerts'],
  },
  INCIDENT_HISTORY_DAYS: {
    schema: days.default(30),
    help: { en: 'Closed incidents and their alarms are kept so long', zh: '已关闭的事件及其告警保留多久' },
    unit: 'days',
    scope: 'pipeline',
    readers: ['alerts'],
  },
  INCIDENT_HISTORY_COUNT: {
    schema: count.default(20_000),
    help: { en: 'Closed incidents kept at most', zh: '最多保留多少个已关闭的事件' },
    unit: 'count',
    scope: 'pipeline',
    readers: ['alerts'],
  },
  ALARM_HISTORY_COUNT: {
    schema: count.default(50_000),
    help: {
      en: 'Alarms that are over kept at most for incidents and statistics',
      zh: '为事件和统计最多保留多少条已结束的告警',
    },
    unit: 'count',
    scope: 'pipeline',
    readers: ['alerts'],
  },
} as const satisfies SettingArea;
