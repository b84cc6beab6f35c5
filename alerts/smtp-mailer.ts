import { createTransport } from 'nodemailer';
import { AppError, messageOf } from '../runtime/app-error.js';
import type { Mail, Mailer, MailOutcome } from './mailer.js';
import { toMessage } from './smtp-message.js';

/** The part of nodemailer's errors that says whose answer it was. */
interface SmtpFailure extends Error {
  readonly command?: string;
  readonly response?: string;
  readonly permanent?: boolean;
}

/** Hands mails to the mail server that `SMTP_URL` names. */
export class SmtpMailer implements Mailer {
  readonly #transport;
  readonly #server: string;

  constructor(url: string) {
    this.#server = new URL(url).host;
    // No pool: on a connection lost after DATA nodemailer's pool sends again by itself, and only we know whether
    // that is right. The long socket timeout is the server's time to think after DATA (RFC 5321, 4.5.3.2.6).
    this.#transport = createTransport({
      url,
      connectionTimeout: 10_000,
      greetingTimeout: 30_000,
      socketTimeout: 300_000,
    });
  }

  async send(mail: Mail): Promise<MailOutcome> {
    try {
      await this.#transport.sendMail(toMessage(mail));
      return { kind: 'sent' };
    } catch (error) {
      const failure = error as SmtpFailure;
      // A 5xx to anything earlier (login, sender) is about our settings: it goes away when they are right.
      const aboutThisMail = failure.command === 'RCPT TO' || failure.command === 'DATA';
      if (failure.permanent === true && aboutThisMail) {
        return { kind: 'refused', reason: failure.response ?? failure.message };
      }
      throw new AppError(
        'mail_server',
        `The mail server ${this.#server} does not take mails: ${messageOf(error)}. They wait and are tried again; check SMTP_URL.`,
        { retryable: true, cause: error },
      );
    }
  }
}
