import { devicesWithOpenCommands, openCommandsOf } from '../devices/redis-command-list.js';
import type { Command } from '../devices/command.js';
import { changeCommand } from '../devices/redis-commands.js';
import { readRemovals } from '../devices/redis-registry.js';
import type { Clock } from '../runtime/clock.js';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { CommandTable } from './command-delivery.js';

/** The commands in Redis, as a broker needs them. @param by the broker's name in the audit */
export function createCommandTable(redis: Redis, by: string, clock: Clock): CommandTable {
  return {
    openOf: (devices) => openOfPresent(redis, devices, clock),
    devices: () => devicesWithOpenCommands(redis),
    isConnected: async (device) => (await redis.hexists(redisKeys.connections, device)) === 1,
    claim: async (id, at, through) => {
      const outcome = await changeCommand(redis, id, { kind: 'sent', at, by, through });
      return outcome?.changed === true ? outcome.command : undefined;
    },
    withhold: async (id, at) => {
      await changeCommand(redis, id, { kind: 'withheld', at, by });
    },
    confirm: async (id, at, through) => {
      await changeCommand(redis, id, { kind: 'confirmed', at, through });
    },
  };
}

/**
 * Without those for a device that had the id before: who removed it may have been killed before they were
 * cancelled, which is made up for here.
 */
async function openOfPresent(
  redis: Redis,
  devices: readonly string[],
  clock: Clock,
): Promise<Map<string, readonly Command[]>> {
  const open = await openCommandsOf(redis, devices);
  const ids = [...open.keys()];
  const removals = await readRemovals(redis, ids);
  for (const [i, id] of ids.entries()) {
    const isPresent = (command: Command) => (command.removals ?? removals[i]) === removals[i];
    const commands = open.get(id) ?? [];
    if (commands.every(isPresent)) continue;
    const gone = { kind: 'gone', by: 'registry', why: 'the device was removed or moved' } as const;
    for (const command of commands.filter((each) => !isPresent(each)))
      await changeCommand(redis, command.id, { ...gone, at: clock.now() });
    open.set(id, commands.filter(isPresent));
  }
  return open;
}

/** An announcement can be missed (it reaches who is connected to Redis at that moment): a look makes up for it. */
const lookEveryMs = 5000;

/** Tells, until stopped, which devices may have something to be sent. */
export class CommandFeed {
  readonly #subscriber: Redis;
  readonly #timer: NodeJS.Timeout;

  /** @param redis for the looks; announcements come on a connection of their own */
  constructor(
    url: string,
    redis: Redis,
    log: Logger,
    on: {
      readonly issued: (devices: readonly string[]) => void;
      /** All devices that have open commands. */
      readonly open: (devices: readonly string[]) => void;
    },
  ) {
    const failed = (error: unknown) => log.debug(`commands: ${messageOf(error)}`);
    this.#subscriber = connectRedis(url, log);
    this.#subscriber.on('message', (_channel, device) => on.issued([device]));
    this.#subscriber.subscribe(redisKeys.commandsIssued).catch(failed);
    this.#timer = setInterval(() => {
      devicesWithOpenCommands(redis).then(on.open, failed);
    }, lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscriber.disconnect();
  }
}
