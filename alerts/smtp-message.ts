import type { SendMailOptions } from 'nodemailer';
import type { Mail } from './mailer.js';

/** A mail of ours as nodemailer takes it, the same for a mail server and for an .eml file. */
export function toMessage(mail: Mail): SendMailOptions {
  return {
    from: mail.from,
    to: mail.to,
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId: mail.messageId,
    headers: mail.headers,
    // Chinese is readable in the source that way, and some filters distrust base64 text.
    textEncoding: 'quoted-printable',
    priority: mail.urgent ? 'high' : 'normal',
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(mail.inReplyTo === undefined ? {} : { inReplyTo: mail.inReplyTo, references: mail.inReplyTo }),
  };
}
