import { expect, it } from 'vitest';
import { openRights } from '../../../broker/acl.js';
import type { ClientConnection } from '../../../broker/client-connection.js';
import { SubscribeHook } from '../../../broker/subscribe-hook.js';

it('a client gets so many subscriptions and no more, may repeat one, and gets room by giving one up', () => {
  let over = 0;
  const hook = new SubscribeHook({
    listen: () => undefined,
    sendRetained: () => undefined,
    maxSubscriptions: 2,
    onOverMax: () => over++,
    onRefused: () => undefined,
    onGranted: () => undefined,
    onRemoved: () => undefined,
  });
  const subscriptions = new Map<string, number>();
  const sent: Buffer[] = [];
  const connection = {
    session: { rights: openRights, maxQos: 1 },
    state: { subscriptions },
    client: {
      subscribe: (_all: unknown, done: () => void) => done(),
      unsubscribe: (_all: unknown, done: () => void) => done(),
    },
    send: (bytes: Buffer) => sent.push(bytes),
    reply: () => undefined,
  } as unknown as ClientConnection;
  const codes = (...filters: string[]) => {
    const wanted = filters.map((filter) => ({ filter, qos: 1 as const }));
    hook.subscribe(connection, 7, wanted, () => undefined);
    return [...(sent.pop()?.subarray(4) ?? [])];
  };
  expect(codes('a', 'b', 'c')).toEqual([1, 1, 0x80]);
  expect(codes('a', 'd')).toEqual([1, 0x80]);
  expect(over).toBe(2);
  hook.unsubscribe(connection, 8, ['a'], () => undefined);
  expect(codes('d')).toEqual([1]);
});
