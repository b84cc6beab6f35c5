import type { MqttClient } from 'mqtt';
import type { Credentials } from '../devices/credential.js';
import type { Arguments } from '../devices/action.js';
import { commandMessage } from '../devices/command.js';
import type { Clock } from '../runtime/clock.js';

/** What came of a command. */
export interface CommandOutcome {
  readonly ok: boolean;
  readonly result?: unknown;
  /** Done once the answer is on its way: a reboot answers first. */
  readonly afterwards?: () => void;
}

export interface CommandHandling {
  readonly client: MqttClient;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Acts; called once for an id, however often the command comes. */
  readonly act: (action: string, args: Arguments) => CommandOutcome | Promise<CommandOutcome>;
}

/** A device remembers so many commands; the oldest is forgotten, long after it expired. */
const remembered = 1000;

/**
 * Makes a connected device obey: it listens on its `cmd` topic, acts on each command id once and answers on
 * `ack`; a command that comes again gets the same answer, one that has expired is refused.
 */
export function obeyCommands({ client, credentials, clock, act }: CommandHandling): void {
  const topic = `${credentials.topicPrefix}cmd`;
  const outcomes = new Map<string, Promise<CommandOutcome>>();
  const outcomeOf = (id: string, work: () => Promise<CommandOutcome>) => {
    let outcome = outcomes.get(id);
    if (outcome === undefined) {
      outcome = work().catch((error: unknown): CommandOutcome => ({ ok: false, result: String(error) }));
      outcomes.set(id, outcome);
      const [oldest] = outcomes.keys();
      if (outcomes.size > remembered && oldest !== undefined) outcomes.delete(oldest);
    }
    return outcome;
  };
  const obey = async (payload: Buffer) => {
    const { id, action, args, expires } = commandMessage.parse(JSON.parse(payload.toString('utf8')));
    const isRepeat = outcomes.has(id);
    const { ok, result, afterwards } = await outcomeOf(id, async () =>
      clock.now() < expires ? await act(action, args) : { ok: false, result: 'expired' },
    );
    client.publish(`${credentials.topicPrefix}ack`, JSON.stringify({ id, ok, result }), { qos: 1 });
    if (!isRepeat) afterwards?.();
  };
  // Each connection is a clean session: it has to ask for its commands anew.
  const listen = () => client.subscribe(topic, { qos: 1 }, () => undefined);
  client.on('connect', listen);
  if (client.connected) listen();
  client.on('message', (from, payload) => {
    // What is no command can't be answered: there is no id to name.
    if (from === topic) obey(payload).catch(() => undefined);
  });
}
