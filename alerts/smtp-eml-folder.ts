import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { AppError, messageOf } from '../runtime/app-error.js';
import type { Mail, Mailer, MailOutcome } from './mailer.js';
import { toMessage } from './smtp-message.js';

/**
 * Writes each mail as an .eml file (RFC 5322) that a mail program opens, for pipelines without a mail server.
 * The same mail again replaces its file; a reader of the folder never sees half of one.
 */
export class EmlFolder implements Mailer {
  readonly #folder: string;
  readonly #transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

  constructor(folder: string) {
    this.#folder = folder;
  }

  async send(mail: Mail): Promise<MailOutcome> {
    const { message } = await this.#transport.sendMail(toMessage(mail));
    const unfinished = join(this.#folder, `.${mail.name}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true });
      const file = await open(unfinished, 'w');
      try {
        await file.writeFile(message as Buffer);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, join(this.#folder, `${mail.name}.eml`));
    } catch (error) {
      throw new AppError(
        'mail_folder',
        `Mails can't be written to ${this.#folder}: ${messageOf(error)}. They wait and are tried again; check DATA_DIR.`,
        { retryable: true, cause: error },
      );
    }
    return { kind: 'sent' };
  }
}
