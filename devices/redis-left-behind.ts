import type { Clock } from '../runtime/clock.js';
import type { Redis } from '../runtime/redis-connection.js';
import { devicesWithOpenCommands, openCommands } from './redis-command-list.js';
import { changeCommand } from './redis-commands.js';
import { forgetRetained } from './redis-forget-retained.js';
import type { Registry } from './registry.js';

/**
 * Ends what was under way for devices that a change of the registry removed or moved to another site: their open
 * commands are cancelled, and what is retained of them is forgotten.
 * @param clock asked for only where there is a command: a Redis that no pipeline was started on has no clock
 */
export async function clearLeftBehind(
  redis: Redis,
  { before, after }: { readonly before: Registry; readonly after: Registry },
  clock: () => Promise<Clock>,
): Promise<void> {
  const left = new Map<string, string>();
  for (const [id, { site }] of before.devices) {
    const now = after.devices.get(id);
    if (now === undefined) left.set(id, 'the device was removed');
    else if (now.site !== site) left.set(id, `the device was moved to site "${now.site}"`);
  }
  if (left.size === 0) return;
  await forgetRetained(
    redis,
    [...before.devices.values()].filter(({ id }) => left.has(id)),
  );
  for (const device of await devicesWithOpenCommands(redis)) {
    const why = left.get(device);
    if (why === undefined) continue;
    const at = (await clock()).now();
    for (const { id } of await openCommands(redis, device)) {
      await changeCommand(redis, id, { kind: 'gone', at, by: 'registry', why });
    }
  }
}
