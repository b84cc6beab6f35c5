import { createHash } from 'node:crypto';
import { openedNotice } from '../incidents/incident.js';
import type { IncidentNotice } from '../incidents/incident.js';
import type { Mail, Mailbox } from '../mailer.js';
import type { Surroundings } from './alarm-words.js';
import { renderHtml } from './html.js';
import { subjectOf, wordIncident } from './incident-words.js';
import { renderText } from './plain-text.js';

/**
 * The mail about one notice of an incident to one recipient: Chinese first, English below, as text and as HTML. The
 * mails of one incident are one thread.
 */
export function composeIncidentMail(
  notice: IncidentNotice,
  from: Mailbox,
  to: Mailbox,
  surroundings: Surroundings,
): Mail {
  const { id, kind, at, incident } = notice;
  const wordings = [wordIncident(notice, surroundings, 'zh'), wordIncident(notice, surroundings, 'en')];
  const over = kind === 'closed';
  const key = keyOf(id, to);
  return {
    name: `${compactTime(at, surroundings.timeZone)}_${incident.root.key.slice(0, 150)}_${id}_${key.slice(0, 8)}`,
    from,
    to,
    subject: subjectOf(notice, surroundings),
    text: renderText(wordings),
    html: renderHtml(wordings, over ? 'cleared' : incident.severity),
    messageId: messageId(key, from),
    inReplyTo: kind === 'opened' ? undefined : messageId(keyOf(openedNotice(incident.id), to), from),
    headers: {
      // Tells holiday responders and mailing lists that nobody waits for an answer (RFC 3834).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Campus-Incident': incident.id,
      'X-Campus-Notice': kind,
      'X-Campus-Alarm': incident.root.id,
      'X-Campus-Severity': incident.severity,
      'X-Campus-Clock': surroundings.simulatedClock ? 'simulated' : 'wall',
    },
    urgent: !over && kind !== 'merged' && incident.severity === 'critical',
  };
}

// Hashed, because an id of ours may hold what a Message-ID may not, such as two dots in a row.
function keyOf(notice: string, to: Mailbox): string {
  return createHash('sha256').update(`${notice}|${to.address.toLowerCase()}`).digest('hex').slice(0, 32);
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
