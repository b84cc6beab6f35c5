import { isWorse } from '../rules/alarm.js';
import type { OutboxEntry, Severity } from '../rules/alarm.js';
import type { Mail, Mailbox, Mailer, MailOutcome } from './mailer.js';

/** How far a mail about one transition to one recipient has come. */
export type SentState = 'sending' | 'sent' | 'refused';

/** Remembers, across crashes, which mails went out. */
export interface SentLedger {
  state(transition: string, recipient: string): Promise<SentState | undefined>;
  /** Durable when it returns. `reason` is why a mail was refused. */
  mark(transition: string, recipient: string, state: SentState, reason?: string): Promise<void>;
}

/** What telling people about a transition needs. */
export interface NotifyParts {
  readonly recipients: readonly Mailbox[];
  readonly minSeverity: Severity;
  readonly ledger: SentLedger;
  readonly mailer: Mailer;
  readonly compose: (entry: OutboxEntry, to: Mailbox) => Promise<Mail>;
  readonly onOutcome: (outcome: NotifyOutcome) => void;
}

/** What became of one mail, for counters and the log. */
export type NotifyOutcome = { readonly to: string; readonly transition: string } & (
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown }
);

/**
 * Sends the mails of one transition to all who have not had theirs. It may run again after a crash or a
 * failure: the ledger says who is done. Only a crash between the mail server's answer and the ledger's sends
 * a mail twice, with the same Message-ID.
 * @param stillOurs asked before each mail; throws when somebody else has the job by now.
 * @throws the first failure of the mailer, after all recipients were tried: one of them can't block the others.
 */
export async function notify(
  entry: OutboxEntry,
  parts: NotifyParts,
  stillOurs: () => Promise<void>,
): Promise<void> {
  const { ledger, mailer, compose, onOutcome } = parts;
  const transition = entry.transition.id;
  if (!isMailed(entry, parts.minSeverity)) return;
  const failures: unknown[] = [];
  for (const to of parts.recipients) {
    const recipient = to.address.toLowerCase();
    const state = await ledger.state(transition, recipient);
    if (state === 'sent' || state === 'refused') continue;
    const mail = await compose(entry, to);
    await stillOurs();
    await ledger.mark(transition, recipient, 'sending');
    let outcome: MailOutcome;
    try {
      outcome = await mailer.send(mail);
    } catch (error) {
      failures.push(error);
      onOutcome({ to: to.address, transition, kind: 'failed', error });
      continue;
    }
    await ledger.mark(
      transition,
      recipient,
      outcome.kind,
      outcome.kind === 'refused' ? outcome.reason : undefined,
    );
    onOutcome({ to: to.address, transition, ...outcome });
  }
  if (failures.length > 0) throw failures[0];
}

/** Who was told of an alarm is told that it is over; that it became less severe is no news worth a mail. */
function isMailed({ transition, alarm }: OutboxEntry, minSeverity: Severity): boolean {
  const { kind, severity, from } = transition;
  if (kind === 'change' && from !== undefined && !isWorse(severity, from)) return false;
  return !isWorse(minSeverity, kind === 'clear' ? alarm.peak : severity);
}
