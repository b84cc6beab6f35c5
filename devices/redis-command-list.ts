import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Command, CommandState } from './command.js';

const devicesAtOnce = 500;

export async function findCommand(redis: Redis, id: string): Promise<Command | undefined> {
  const json = await redis.hget(redisKeys.commands, id);
  return json === null ? undefined : (JSON.parse(json) as Command);
}

/** The commands of these ids that there are. */
export async function findCommands(redis: Redis, ids: readonly string[]): Promise<Command[]> {
  if (ids.length === 0) return [];
  const rows = await redis.hmget(redisKeys.commands, ...ids);
  return rows.flatMap((json) => (json === null ? [] : [JSON.parse(json) as Command]));
}

/** Newest first, at most `count`. */
export async function listCommands(
  redis: Redis,
  filter: {
    readonly device?: string | undefined;
    readonly state?: CommandState | undefined;
    readonly count: number;
  },
): Promise<Command[]> {
  const { device, state, count } = filter;
  const found: Command[] = [];
  for (let cursor = '0'; ;) {
    const [next, fields] = await redis.hscan(redisKeys.commands, cursor, 'COUNT', 1000);
    for (let i = 1; i < fields.length; i += 2) {
      const command = JSON.parse(fields[i] ?? '') as Command;
      if (device !== undefined && command.device !== device) continue;
      if (state === undefined || command.state === state) found.push(command);
    }
    if (next === '0') break;
    cursor = next;
  }
  // A scan may tell the same one twice.
  const unique = [...new Map(found.map((command) => [command.id, command])).values()];
  return unique.sort((a, b) => b.issuedAt - a.issuedAt).slice(0, count);
}

/** The open commands of a device, oldest first. */
export async function openCommands(redis: Redis, device: string): Promise<readonly Command[]> {
  return (await openCommandsOf(redis, [device])).get(device) ?? [];
}

/** At once the open commands of each of these devices that has any, oldest first. */
export async function openCommandsOf(
  redis: Redis,
  devices: readonly string[],
): Promise<Map<string, readonly Command[]>> {
  const found = new Map<string, Command[]>();
  for (let i = 0; i < devices.length; i += devicesAtOnce) {
    const rows = await redis.hmget(redisKeys.commandsOpen, ...devices.slice(i, i + devicesAtOnce));
    const ids = rows.flatMap((json) => (json === null ? [] : (JSON.parse(json) as string[])));
    for (const command of await findCommands(redis, ids)) {
      const commands = found.get(command.device);
      if (commands === undefined) found.set(command.device, [command]);
      else commands.push(command);
    }
  }
  return found;
}

/** The devices that have open commands. */
export function devicesWithOpenCommands(redis: Redis): Promise<string[]> {
  return redis.hkeys(redisKeys.commandsOpen);
}

/** The open commands of a shard's devices that time closes at `at` or before; all of them without it. */
export async function dueCommands(redis: Redis, shard: number, at = Infinity): Promise<Command[]> {
  const until = at === Infinity ? '+inf' : at;
  return findCommands(redis, await redis.zrangebyscore(redisKeys.commandsDue(shard), '-inf', until));
}

export function unknownCommand(id: string): AppError {
  return new AppError(
    'unknown_command',
    `There is no command ${id}: see "campus command list". Finished ones are kept for COMMAND_HISTORY_DAYS.`,
  );
}
