import { simpleParser } from 'mailparser';
import type { ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** What the mail server of a test answers, where it isn't to take everything. */
export interface MailServerAnswers {
  /** An SMTP reply to RCPT TO, such as `550 no such user`; undefined accepts. */
  readonly refuse?: (address: string) => string | undefined;
  /** Called with a mail that has come in whole, before it is confirmed. */
  readonly beforeConfirming?: (mail: ParsedMail) => Promise<void> | void;
}

/** A real SMTP server that keeps what it was given. */
export class MailServer {
  /** Mails that came in whole, in their order, whether or not the sender heard of it. */
  readonly mails: ParsedMail[] = [];
  /** Addresses that a sender named as recipients. */
  readonly named: string[] = [];
  readonly #server: SMTPServer;

  private constructor({ refuse, beforeConfirming }: MailServerAnswers) {
    this.#server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      closeTimeout: 100,
      onRcptTo: ({ address }, _session, callback) => {
        this.named.push(address);
        const reply = refuse?.(address);
        if (reply === undefined) callback();
        else callback(Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) }));
      },
      onData: (stream, _session, callback) => {
        simpleParser(stream)
          .then(async (mail) => {
            this.mails.push(mail);
            await beforeConfirming?.(mail);
            callback();
          })
          .catch((error: unknown) => callback(error as Error));
      },
    });
    // Connections that the sender, or a test, cuts.
    this.#server.on('error', () => undefined);
  }

  static async start(port: number, answers: MailServerAnswers = {}): Promise<MailServer> {
    const server = new MailServer(answers);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(port, '127.0.0.1', resolve);
    });
    return server;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}
