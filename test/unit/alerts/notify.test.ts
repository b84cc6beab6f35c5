import { beforeEach, expect, it } from 'vitest';
import { composeIncidentMail } from '../../../alerts/mail/incident-mail.js';
import type { Mail, MailOutcome } from '../../../alerts/mailer.js';
import { notify } from '../../../alerts/notify.js';
import type { NotifyOutcome, NotifyParts, SentState } from '../../../alerts/notify.js';
import { alarmEntry } from '../../support/alarm-entry.js';
import { noticeOf } from '../../support/incident-notice.js';

const from = { name: '', address: 'campus@localhost' };
const recipients = ['a@x.example', 'b@x.example', 'C@x.example'].map((address) => ({ name: '', address }));
const ours = () => Promise.resolve();

let sent: Mail[];
let ledger: Map<string, SentState>;
let outcomes: NotifyOutcome[];
let answer: (mail: Mail) => MailOutcome;
let parts: NotifyParts;

beforeEach(() => {
  sent = [];
  ledger = new Map();
  outcomes = [];
  answer = () => ({ kind: 'sent' });
  parts = {
    recipients,
    minSeverity: 'warning',
    ledger: {
      state: (notice, recipient) => Promise.resolve(ledger.get(`${notice}|${recipient}`)),
      mark: (notice, recipient, state) => {
        ledger.set(`${notice}|${recipient}`, state);
        return Promise.resolve();
      },
    },
    mailer: {
      send: (mail) =>
        new Promise((resolve) => {
          sent.push(mail);
          resolve(answer(mail));
        }),
    },
    compose: (notice, to) =>
      Promise.resolve(
        composeIncidentMail(notice, from, to, { timeZone: 'UTC', simulatedClock: false, delayMs: 0 }),
      ),
    onOutcome: (outcome) => {
      outcomes.push(outcome);
      return Promise.resolve();
    },
  };
});

it('sends every recipient a mail of his own, once', async () => {
  await notify(noticeOf(alarmEntry()), parts, ours);
  await notify(noticeOf(alarmEntry()), parts, ours);
  expect(sent.map((mail) => mail.to.address)).toEqual(['a@x.example', 'b@x.example', 'C@x.example']);
  expect(new Set(sent.map((mail) => mail.messageId)).size).toBe(3);
});

it('sends again with the same Message-ID when it is not known whether the mail went out', async () => {
  const { id } = noticeOf(alarmEntry());
  parts = { ...parts, recipients: recipients.slice(0, 1) };
  await notify(noticeOf(alarmEntry()), parts, ours);
  ledger.set(`${id}|a@x.example`, 'sending');
  await notify(noticeOf(alarmEntry()), parts, ours);
  expect(sent).toHaveLength(2);
  expect(sent[1]?.messageId).toBe(sent[0]?.messageId);
});

it('gives the others their mail when one recipient fails for now, and tries only that one again', async () => {
  answer = (mail) => {
    if (mail.to.address === 'a@x.example') throw new Error('greylisted');
    return { kind: 'sent' };
  };
  await expect(notify(noticeOf(alarmEntry()), parts, ours)).rejects.toThrow('greylisted');
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(['failed', 'sent', 'sent']);
  answer = () => ({ kind: 'sent' });
  await notify(noticeOf(alarmEntry()), parts, ours);
  expect(sent.slice(3).map((mail) => mail.to.address)).toEqual(['a@x.example']);
});

it('does not try a refused recipient again', async () => {
  answer = (mail) =>
    mail.to.address === 'b@x.example' ? { kind: 'refused', reason: '550 no such user' } : { kind: 'sent' };
  await notify(noticeOf(alarmEntry()), parts, ours);
  await notify(noticeOf(alarmEntry()), parts, ours);
  expect(sent).toHaveLength(3);
  expect(outcomes.find((outcome) => outcome.kind === 'refused')).toMatchObject({
    reason: '550 no such user',
  });
});

it('sends nothing once another worker has the job', async () => {
  const lost = () => Promise.reject(new Error('lost'));
  await expect(notify(noticeOf(alarmEntry()), parts, lost)).rejects.toThrow('lost');
  expect(sent).toEqual([]);
  expect(ledger.size).toBe(0);
});

it('mails only what is severe enough', async () => {
  parts = { ...parts, minSeverity: 'major' };
  await notify(noticeOf(alarmEntry({ severity: 'minor' })), parts, ours);
  expect(sent).toEqual([]);
  await notify(noticeOf(alarmEntry({ severity: 'critical' })), parts, ours);
  expect(sent).toHaveLength(3);
});
