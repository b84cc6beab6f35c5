import parseAddressList from 'nodemailer/lib/addressparser';
import { AppError } from '../runtime/app-error.js';
import type { Mailbox } from './mailer.js';

/**
 * The addresses in a setting such as `张老师 <zhang@example.org>, duty@example.org`, each once.
 * @throws AppError `bad_setting` when one of them is no mail address, or there is none.
 */
export function parseAddresses(setting: string, text: string): readonly Mailbox[] {
  const mailboxes = new Map<string, Mailbox>();
  for (const { name, address } of parseAddressList(text, { flatten: true })) {
    if (!/^[^\s@<>,;]+@[^\s@<>,;]+$/.test(address)) {
      throw new AppError(
        'bad_setting',
        `${setting} has "${address || name}", which is no mail address: write name@example.org or "Name" <name@example.org>.`,
      );
    }
    mailboxes.set(address.toLowerCase(), { name, address });
  }
  if (mailboxes.size === 0) throw new AppError('bad_setting', `${setting} has no mail address.`);
  return [...mailboxes.values()];
}
