import { expect, test } from 'vitest';
import type { ClientConnection } from '../../../broker/client-connection.js';
import { CommandDelivery } from '../../../broker/command-delivery.js';
import type { CommandTable } from '../../../broker/command-delivery.js';
import { QueueBudget } from '../../../broker/outbox.js';
import { SessionState } from '../../../broker/session-states.js';
import { advance, createCommand, isFinished } from '../../../devices/command.js';
import type { Command } from '../../../devices/command.js';
import { eventually } from '../../support/eventually.js';
import { createLogger } from '../../../runtime/logger.js';

/** The commands in memory, and how often each question was asked. */
class MemoryTable implements CommandTable {
  readonly commands = new Map<string, Command>();
  asked = { openOf: 0, isConnected: 0 };
  /** Called while a claim is under way. */
  onClaim = () => undefined as unknown;

  issue(id: string, device: string, site = 's1'): void {
    const about = { id, device, site, deviceClass: 'ap', shard: 0, action: 'reboot', args: {} } as const;
    this.commands.set(id, createCommand({ ...about, issuedBy: 'test', issuedAt: 0, expiresAt: 1000 }));
  }
  openOf(devices: readonly string[]) {
    this.asked.openOf++;
    const open = [...this.commands.values()].filter((command) => !isFinished(command));
    return Promise.resolve(
      new Map(
        devices
          .map((id) => [id, open.filter(({ device }) => device === id)] as const)
          .filter(([, commands]) => commands.length > 0),
      ),
    );
  }
  devices = () => Promise.resolve([...new Set([...this.commands.values()].map(({ device }) => device))]);
  isConnected() {
    this.asked.isConnected++;
    return Promise.resolve(false);
  }
  claim(id: string, at: number) {
    const claimed = this.#change(id, { kind: 'sent', at, by: 'test' });
    this.onClaim();
    return Promise.resolve(claimed);
  }
  withhold(id: string, at: number) {
    this.#change(id, { kind: 'withheld', at, by: 'test' });
    return Promise.resolve();
  }
  confirm(id: string, at: number) {
    this.#change(id, { kind: 'confirmed', at });
    return Promise.resolve();
  }
  cancel(id: string) {
    this.#change(id, { kind: 'cancelled', at: 0, by: 'test' });
  }
  #change(id: string, event: Parameters<typeof advance>[1]): Command | undefined {
    const known = this.commands.get(id);
    if (known === undefined) return undefined;
    const next = advance(known, event);
    this.commands.set(id, next);
    return next === known ? undefined : next;
  }
}

function createBridge(name: string, unacknowledged = 100) {
  const state = new SessionState(new QueueBudget(1_000_000), { unacknowledged, waiting: 100 });
  const sent: string[] = [];
  const connection = {
    ended: false,
    congested: false,
    session: { client: name, account: { kind: 'bridge' } },
    state,
    deliver: (message: Parameters<typeof state.outbox.push>[0]) => state.outbox.push(message),
    send: (bytes: Buffer) => sent.push(/"id":"([^"]*)"/.exec(bytes.toString())?.[1] ?? ''),
  };
  state.outbox.attach(connection);
  return { connection: connection as unknown as ClientConnection & { congested: boolean }, sent, state };
}

function createDelivery() {
  const table = new MemoryTable();
  const clock = { now: () => 0 } as ConstructorParameters<typeof CommandDelivery>[0]['clock'];
  return {
    table,
    delivery: new CommandDelivery({
      table,
      clock,
      log: createLogger('test', 'silent'),
      onSent: () => undefined,
    }),
  };
}
const turns = () => new Promise((resolve) => setTimeout(resolve, 20));

test('bridges of other sites cost one question, however many there are and however many commands', async () => {
  const { table, delivery } = createDelivery();
  for (let i = 0; i < 10; i++)
    delivery.subscribed(createBridge(`b${i}`).connection, new Map([[`campus/v1/other-${i}/+/+/cmd`, 1]]));
  await turns();
  for (let i = 0; i < 300; i++) table.issue(`c${i}`, `d${i}`);
  table.asked = { openOf: 0, isConnected: 0 };
  delivery.lookAtAll(await table.devices());
  await turns();
  expect(table.asked).toEqual({ openOf: 1, isConnected: 0 });
  const own = createBridge('own');
  delivery.subscribed(own.connection, new Map([['campus/v1/s1/+/+/cmd', 1]]));
  await eventually('as many as may be under way', () => own.sent.length === 100);
});

test('what finds no room is looked at as soon as there is some, each once, and the cancelled not at all', async () => {
  const { table, delivery } = createDelivery();
  for (let i = 0; i < 30; i++) table.issue(`c${i}`, `d${i}`);
  const { connection, sent, state } = createBridge('b', 2);
  delivery.subscribed(connection, new Map([['campus/v1/s1/+/+/cmd', 1]]));
  await eventually('the first', () => sent.length === 2);
  await turns();
  expect([sent.length, state.outbox.waiting]).toEqual([2, 0]);
  for (let i = 2; i < 12; i++) table.cancel(`c${i}`);
  for (let id = 1; id <= 20; id++) {
    await eventually('it to be sent', () => sent.length >= id);
    state.outbox.acknowledged(id);
  }
  await turns();
  expect(sent.toSorted()).toEqual(
    [...table.commands.values()]
      .filter(({ state: is }) => is === 'delivered')
      .map(({ id }) => id)
      .toSorted(),
  );
  expect(sent).toHaveLength(20);
  expect([...table.commands.values()].every(({ attempts }) => attempts <= 1)).toBe(true);
});

test('an attempt that the connection had no room for in the end is taken back', async () => {
  const { table, delivery } = createDelivery();
  table.issue('c', 'd');
  const { connection, sent } = createBridge('b');
  table.onClaim = () => (connection.congested = true);
  delivery.subscribed(connection, new Map([['campus/v1/s1/+/+/cmd', 1]]));
  await eventually('the claim', () => connection.congested);
  await turns();
  expect(sent).toEqual([]);
  expect(table.commands.get('c')?.attempts).toBe(0);
});
