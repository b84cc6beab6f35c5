import { createHash } from 'node:crypto';
import type { OutboxEntry } from '../../rules/alarm.js';
import type { Mail, Mailbox } from '../mailer.js';
import { subjectOf, wordAlarm } from './alarm-words.js';
import type { Surroundings } from './alarm-words.js';
import { renderHtml } from './html.js';
import { renderText } from './plain-text.js';

/**
 * The mail about one transition of an alarm to one recipient: Chinese first, English below, as text and as
 * HTML. The mails of one alarm are one thread.
 */
export function composeAlarmMail(
  entry: OutboxEntry,
  from: Mailbox,
  to: Mailbox,
  surroundings: Surroundings,
): Mail {
  const { transition } = entry;
  const wordings = [wordAlarm(entry, surroundings, 'zh'), wordAlarm(entry, surroundings, 'en')];
  const over = transition.kind === 'clear';
  const key = keyOf(transition.id, to);
  return {
    name: `${compactTime(transition.at, surroundings.timeZone)}_${transition.id.slice(0, 190)}_${key.slice(0, 8)}`,
    from,
    to,
    subject: subjectOf(entry, surroundings),
    text: renderText(wordings),
    html: renderHtml(wordings, over ? 'cleared' : transition.severity),
    messageId: messageId(key, from),
    inReplyTo:
      transition.kind === 'raise' ? undefined : messageId(keyOf(raiseOf(transition.alarm), to), from),
    headers: {
      // Tells holiday responders and mailing lists that nobody waits for an answer (RFC 3834).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Campus-Alarm': transition.alarm,
      'X-Campus-Transition': transition.kind,
      'X-Campus-Severity': transition.severity,
      'X-Campus-Clock': surroundings.simulatedClock ? 'simulated' : 'wall',
    },
    urgent: !over && transition.severity === 'critical',
  };
}

/** The id of the transition that raised the alarm. */
export function raiseOf(alarm: string): string {
  return `${alarm}~raise`;
}

// Hashed, because an id of ours may hold what a Message-ID may not, such as two dots in a row.
function keyOf(transition: string, to: Mailbox): string {
  return createHash('sha256').update(`${transition}|${to.address.toLowerCase()}`).digest('hex').slice(0, 32);
}

function messageId(key: string, from: Mailbox): string {
  return `<${key}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`;
}

/** `2026-03-02_081500`: the time that the mail itself says, to the second. */
function compactTime(at: number, timeZone: string): string {
  // Swedish dates are ISO 8601's.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return format.format(at).replace(' ', '_').replaceAll(':', '');
}
