/** A person's mail address, with the name to show where there is one. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** A mail to one recipient, ready to hand over. */
export interface Mail {
  /** Sorts by time, is the same for the same transition and recipient, and is safe in file names. */
  readonly name: string;
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** With its angle brackets; the same for the same transition and recipient. */
  readonly messageId: string;
  /** Message-ID of the mail that this one follows. */
  readonly inReplyTo?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly urgent: boolean;
}

/** What became of a mail: taken, or refused for good (trying again would be refused again). */
export type MailOutcome = { readonly kind: 'sent' } | { readonly kind: 'refused'; readonly reason: string };

/** Where mails go: a mail server, or a folder. */
export interface Mailer {
  /**
   * Hands one mail over. Sending the same mail twice is what its Message-ID is for.
   * @throws AppError, retryable, when it was not taken now but may be later.
   */
  send(mail: Mail): Promise<MailOutcome>;
}
