import { expect, it } from 'vitest';
import { advance, createCommand, deadlineOf } from '../../../devices/command.js';
import { longestIntervalS } from '../../../devices/device.js';
import type { ReportedState } from '../../../devices/twin.js';
import { CommandSettlement } from '../../../ingest/command-settlement.js';

it('waits for proof no longer than three of the longest intervals, whatever a twin from before says', async () => {
  const at = 1_772_409_600_000;
  let command = createCommand({
    id: 'c1',
    device: 'ap-1',
    site: 's1',
    deviceClass: 'ap',
    shard: 0,
    action: 'reboot',
    args: {},
    issuedBy: 'test',
    issuedAt: at,
    expiresAt: at + 60_000,
  });
  const settlement = await CommandSettlement.load(
    {
      open: () => Promise.resolve([command]),
      due: () => Promise.resolve([]),
      find: () => Promise.resolve(command),
      change: (_id, event) => Promise.resolve((command = advance(command, event))),
    },
    '0-0',
  );
  const reported: ReportedState = { meta: { at, body: { interval_s: 1e12 } } };
  const ack = { stream: 'ack', id: 'c1', ok: true } as const;
  await settlement.answered('ap-1', ack, { at, entry: '1-0' }, reported);
  expect(command.state).toBe('acknowledged');
  expect(deadlineOf(command)).toBe(at + 3 * longestIntervalS * 1000);
});
