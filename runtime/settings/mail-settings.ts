import type { SettingArea } from './setting-definition.js';
import { mailAddresses, oneOf, url } from './value-checks.js';

const mailSeverities = ['warning', 'minor', 'major', 'critical'] as const;

/** Who is told of an alarm, and by which server. */
export const mailSettings = {
  SMTP_URL: {
    schema: url('smtp:', 'smtps:').optional(),
    help: {
      en: 'Mail server; unset: mails are written as .eml files to DATA_DIR/outbox',
      zh: '邮件服务器；未设：邮件以 .eml 文件写入 DATA_DIR/outbox',
    },
    unit: 'URL',
    scope: 'pipeline',
    readers: ['alerts', 'up'],
    secret: true,
  },
  MAIL_FROM: {
    schema: mailAddresses.default('感知校园 Perception Campus <campus@localhost>'),
    help: { en: 'Sender of the alarm mails', zh: '告警邮件的发件人' },
    unit: 'text',
    scope: 'pipeline',
    readers: ['alerts', 'up'],
  },
  MAIL_TO: {
    schema: mailAddresses.optional(),
    help: {
      en: 'Recipients of the alarm mails, separated by commas; required with SMTP_URL',
      zh: '告警邮件的收件人，以逗号分隔；设了 SMTP_URL 时必填',
    },
    unit: 'text',
    scope: 'pipeline',
    readers: ['alerts', 'up'],
  },
  MAIL_MIN_SEVERITY: {
    schema: oneOf(mailSeverities).default('warning'),
    help: {
      en: `Alarms below this severity are recorded but not mailed: ${mailSeverities.join(', ')}`,
      zh: `低于此级别的告警只记录、不发邮件：${mailSeverities.join('、')}`,
    },
    unit: 'word',
    scope: 'pipeline',
    readers: ['alerts'],
  },
} as const satisfies SettingArea;
