import { findCommands } from '../devices/redis-command-list.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { DecodedEntry } from './shard-window.js';
import type { Decoded, DecodedNotice, DecodedRejection } from './stages/decoded.js';

/**
 * The answers among the entries that are to no command of their device, each with the rejection that takes its
 * place. A command is recorded before a device can know of it, so whoever asks again hears the same.
 */
export async function findStrayAcks(
  redis: Redis,
  entries: readonly DecodedEntry[],
): Promise<ReadonlyMap<Decoded, DecodedRejection>> {
  const acks: { readonly decoded: DecodedNotice; readonly id: string }[] = [];
  for (const { decoded: all } of entries) {
    for (const decoded of all) {
      if (decoded.kind === 'notice' && decoded.notice.stream === 'ack')
        acks.push({ decoded, id: decoded.notice.id });
    }
  }
  const stray = new Map<Decoded, DecodedRejection>();
  if (acks.length === 0) return stray;
  const ids = [...new Set(acks.map(({ id }) => id))];
  const deviceOf = new Map((await findCommands(redis, ids)).map(({ id, device }) => [id, device]));
  for (const { decoded, id } of acks) {
    if (deviceOf.get(id) === decoded.topic.device) continue;
    const detail = `no command "${id}" was issued to this device`;
    const rejection = { reason: 'unknown_command', detail } as const;
    const { source, topic } = decoded;
    stray.set(decoded, { kind: 'rejection', source, topic, rejection });
  }
  return stray;
}
