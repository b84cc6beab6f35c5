import { describe, expect, test } from 'vitest';
import {
  advance,
  answerGraceMs,
  commandMessage,
  createCommand,
  deadlineOf,
  formatCommand,
  isDeliverable,
  isFinished,
} from '../../../devices/command.js';
import type { Command, CommandEvent } from '../../../devices/command.js';

const issuedAt = 1_772_409_600_000;
const expiresAt = issuedAt + 60_000;
const fresh = createCommand({
  id: 'c1',
  device: 'ap-1',
  site: 's1',
  deviceClass: 'ap',
  shard: 0,
  action: 'set_channel',
  args: { radio: 'radio5', channel: 36 },
  issuedBy: 'test',
  issuedAt,
  expiresAt,
});
const at = (seconds: number) => issuedAt + seconds * 1000;
const after = (...events: CommandEvent[]) => events.reduce(advance, fresh);
const states = (command: Command) => command.history.map(({ state }) => state);

const sent = (seconds: number): CommandEvent => ({ kind: 'sent', at: at(seconds), by: 'broker' });
const confirmed = (seconds: number): CommandEvent => ({ kind: 'confirmed', at: at(seconds) });
const answered = (seconds: number, ok: boolean, verifyMs?: number): CommandEvent => ({
  kind: 'answered',
  answer: { at: at(seconds), entry: `${seconds}-0`, ok },
  verifyMs,
});
const time = (seconds: number): CommandEvent => ({ kind: 'time', at: at(seconds) });

test('the whole way: delivered, acknowledged, and done when the reported state shows it', () => {
  const command = after(sent(1), confirmed(1), answered(2, true, 60_000), {
    kind: 'shown',
    at: at(30),
    why: 'parts.radio5.channel is 36',
  });
  expect(command).toMatchObject({ state: 'done', attempts: 1, finishedAt: at(30) });
  expect(states(command)).toEqual(['pending', 'delivered', 'acknowledged', 'done']);
  expect(command.history.at(-1)).toMatchObject({ why: 'parts.radio5.channel is 36' });
});

test('where the answer is all there is, the answer makes it done', () => {
  expect(after(sent(1), answered(2, true))).toMatchObject({ state: 'done', finishedAt: at(2) });
});

test('a refusal, silence after the delivery and a state that does not show it are failures with their reason', () => {
  expect(after(sent(1), answered(2, false))).toMatchObject({ state: 'failed', failure: 'refused' });
  const silent = after(sent(1), confirmed(1), time(60), time(60 + answerGraceMs / 1000));
  expect(silent).toMatchObject({ state: 'failed', failure: 'not_acknowledged' });
  const unseen = after(sent(1), answered(2, true, 60_000), time(61), time(62));
  expect(unseen).toMatchObject({ state: 'failed', failure: 'not_shown', finishedAt: at(62) });
});

test('what was never sent expires on the dot; what was sent and not confirmed may still be answered for a while', () => {
  expect(after(time(59)).state).toBe('pending');
  expect(after(time(60))).toMatchObject({ state: 'expired', finishedAt: at(60) });
  expect(after(sent(59), time(60)).state).toBe('pending');
  expect(after(sent(59), time(60), answered(61, true)).state).toBe('done');
  const lost = after(sent(59), time(90));
  expect(lost.state).toBe('expired');
  expect(lost.history.at(-1)?.why).toContain('the device may have it');
});

test('after the expiry nothing may be sent any more, and a finished command is sent never', () => {
  expect(isDeliverable(fresh, expiresAt - 1)).toBe(true);
  expect(isDeliverable(fresh, expiresAt)).toBe(false);
  expect(after(sent(60))).toBe(fresh);
  expect(isDeliverable(after(answered(1, true)), at(2))).toBe(false);
});

test('until it is answered a command can be cancelled, and says that the device may have it', () => {
  const cancel: CommandEvent = { kind: 'cancelled', at: at(5), by: 'wang' };
  expect(after(cancel)).toMatchObject({ state: 'cancelled', finishedAt: at(5) });
  expect(after(sent(1), confirmed(1), cancel).history.at(-1)).toMatchObject({
    state: 'cancelled',
    by: 'wang',
    why: 'the device has it and may act on it',
  });
  const done = after(answered(1, true));
  expect(advance(done, cancel)).toBe(done);
});

test('an answer to what was closed is written down and changes nothing', () => {
  const late = after(time(60), answered(70, true));
  expect(late).toMatchObject({ state: 'expired', finishedAt: at(60) });
  expect(late.history.at(-1)).toMatchObject({ state: 'expired', why: 'answered too late: it was done' });
});

test('no event does anything the second time, nor after the end', () => {
  const events: CommandEvent[] = [
    confirmed(1),
    answered(2, true, 60_000),
    { kind: 'shown', at: at(3), why: 'x' },
    time(100),
    { kind: 'cancelled', at: at(101), by: 'wang' },
  ];
  let command = after(sent(1));
  for (const event of events) {
    command = advance(command, event);
    expect(advance(command, event)).toBe(command);
  }
  expect(command.state).toBe('done');
  expect(events.reduce(advance, command)).toBe(command);
});

describe('time closes a command at its deadline and not before', () => {
  const cases: [string, Command, number | undefined][] = [
    ['pending', fresh, expiresAt],
    ['sent', after(sent(1)), expiresAt + answerGraceMs],
    ['delivered', after(sent(1), confirmed(2)), expiresAt + answerGraceMs],
    ['acknowledged', after(sent(1), answered(2, true, 5000)), at(7)],
    ['done', after(answered(2, true)), undefined],
  ];
  test.each(cases)('%s', (_name, command, deadline) => {
    expect(deadlineOf(command)).toBe(deadline);
    if (deadline === undefined) return;
    expect(advance(command, { kind: 'time', at: deadline - 1 })).toBe(command);
    expect(isFinished(advance(command, { kind: 'time', at: deadline }))).toBe(true);
  });
});

test('what goes to the device is what a device reads', () => {
  expect(commandMessage.parse(JSON.parse(formatCommand(fresh)))).toEqual({
    id: 'c1',
    action: 'set_channel',
    args: { radio: 'radio5', channel: 36 },
    expires: expiresAt,
  });
});
