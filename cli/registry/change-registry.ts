import { holdRegistry } from '../../devices/redis-registry-changes.js';
import { clearLeftBehind } from '../../devices/redis-left-behind.js';
import { loadRegistry, replaceRegistry } from '../../devices/redis-registry-snapshot.js';
import type { RegistrySnapshot } from '../../devices/redis-registry-snapshot.js';
import type { Registry } from '../../devices/registry.js';
import { AppError } from '../../runtime/app-error.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { operator } from '../terminal/command-words.js';

const mostTries = 8;
/** Overtaken so often, it has the others wait: devices that claim their credentials come some a second. */
const triesUnheld = 2;

/**
 * Changes the registry in one step: `decide` is given what is registered and says what shall be; it is asked
 * again when somebody else was faster, and in the end the others wait for it. What was under way for devices that are gone or moved ends.
 * @returns the decision that was carried out, or that had no `after`
 * @throws AppError `registry_busy` when somebody else was faster each time; `registry_unsure` when the connection
 * was lost before the answer
 */
export async function changeRegistry<Decision extends { readonly after?: Registry | undefined }>(
  redis: Redis,
  decide: (current: Registry) => Decision,
): Promise<Decision> {
  for (let tries = 0; tries < mostTries; tries++) {
    const letGo = tries < triesUnheld ? undefined : await holdRegistry(redis);
    try {
      const snapshot = await loadRegistry(redis);
      const decision = decide(snapshot.registry);
      const { after } = decision;
      if (after === undefined) return decision;
      if (!(await replace(redis, snapshot, after))) continue;
      await letGo?.();
      await clearLeftBehind(redis, { before: snapshot.registry, after }, () => loadClock(redis));
      return decision;
    } finally {
      // It ends by itself where Redis does not answer.
      await letGo?.().catch(() => undefined);
    }
  }
  throw new AppError('registry_busy', 'Somebody else keeps changing the registry: try again in a moment.', {
    retryable: true,
  });
}

async function replace(redis: Redis, snapshot: RegistrySnapshot, after: Registry): Promise<boolean> {
  try {
    return await replaceRegistry(redis, snapshot, after, operator());
  } catch (error) {
    throw new AppError(
      'registry_unsure',
      'The connection to Redis was lost while the registry was written: it has all of the change or nothing of it. Try again.',
      { retryable: true, cause: error },
    );
  }
}
