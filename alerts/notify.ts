import { isWorse } from '../rules/alarm.js';
import type { Severity } from '../rules/alarm.js';
import type { IncidentNotice } from './incidents/incident.js';
import type { Mail, Mailbox, Mailer, MailOutcome } from './mailer.js';

/** How far a mail of one notice to one recipient has come. */
export type SentState = 'sending' | 'sent' | 'refused';

/** Remembers, across crashes, which mails went out. */
export interface SentLedger {
  state(notice: string, recipient: string): Promise<SentState | undefined>;
  /** Durable when it returns. `reason` is why a mail was refused. */
  mark(notice: string, recipient: string, state: SentState, reason?: string): Promise<void>;
}

/** What telling people about an incident needs. */
export interface NotifyParts {
  readonly recipients: readonly Mailbox[];
  readonly minSeverity: Severity;
  readonly ledger: SentLedger;
  readonly mailer: Mailer;
  readonly compose: (notice: IncidentNotice, to: Mailbox) => Promise<Mail>;
  /** Told of every mail, before the next one: whatever it writes down is written when it resolves. */
  readonly onOutcome: (outcome: NotifyOutcome) => Promise<void>;
}

/** What became of one mail, for counters, the log and the incident's story. */
export type NotifyOutcome = { readonly to: string; readonly notice: IncidentNotice } & (
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown }
);

/**
 * Sends the mails of one notice to all who have not had theirs. It may run again after a crash or a failure: the
 * ledger says who is done. Only a crash between the mail server's answer and the ledger's sends a mail twice, with
 * the same Message-ID.
 * @param stillOurs asked before each mail; throws when somebody else has the job by now.
 * @throws the first failure of the mailer, after all recipients were tried: one of them can't block the others.
 */
export async function notify(
  notice: IncidentNotice,
  parts: NotifyParts,
  stillOurs: () => Promise<void>,
): Promise<void> {
  const { ledger, mailer, compose, onOutcome } = parts;
  if (!isMailed(notice, parts.minSeverity)) return;
  const failures: unknown[] = [];
  for (const to of parts.recipients) {
    const recipient = to.address.toLowerCase();
    const state = await ledger.state(notice.id, recipient);
    if (state === 'sent' || state === 'refused') continue;
    const mail = await compose(notice, to);
    await stillOurs();
    await ledger.mark(notice.id, recipient, 'sending');
    let outcome: MailOutcome;
    try {
      outcome = await mailer.send(mail);
    } catch (error) {
      failures.push(error);
      await onOutcome({ to: to.address, notice, kind: 'failed', error });
      continue;
    }
    await ledger.mark(
      notice.id,
      recipient,
      outcome.kind,
      outcome.kind === 'refused' ? outcome.reason : undefined,
    );
    await onOutcome({ to: to.address, notice, ...outcome });
  }
  if (failures.length > 0) throw failures[0];
}

/** Whether people are mailed: who was told of an incident is told how it goes on, also when it is less severe by now. */
export function isMailed({ incident }: IncidentNotice, minSeverity: Severity): boolean {
  return !isWorse(minSeverity, incident.peak);
}
