import { expectationOf } from '../devices/action.js';
import { findAction } from '../devices/action-check.js';
import { isFinished } from '../devices/command.js';
import type { Command, CommandAnswer, CommandEvent } from '../devices/command.js';
import { longestIntervalS } from '../devices/device.js';
import type { CommandRetention } from '../devices/redis-commands.js';
import type { AckNotice } from '../devices/notice.js';
import { findProof } from '../devices/twin.js';
import type { ReportedState } from '../devices/twin.js';
import { compareIds } from './log/log.js';

/** How long finished commands are kept. */
export interface CommandHistory extends Omit<CommandRetention, 'finishedBefore'> {
  readonly keepMs: number;
}

/** The commands of a shard's devices, as the settlement needs them. */
export interface ShardCommands {
  /** The open ones. */
  open(): Promise<readonly Command[]>;
  /** The open ones that time closes at `at` or before. */
  due(at: number): Promise<readonly Command[]>;
  find(id: string): Promise<Command | undefined>;
  /** Tells a command what happened, once however often; the command after it. */
  change(id: string, event: CommandEvent): Promise<Command | undefined>;
}

/** A device is asked for proof within this many of its reporting intervals at least. */
const verifyIntervals = 3;

/**
 * Brings the commands of a shard's devices to an end, by what is in the log and in its order: answers, what
 * devices report, the passing of time. Whoever reads the log again comes to the same ends.
 */
export class CommandSettlement {
  readonly #commands: ShardCommands;
  /** Acknowledged, and not yet shown by the reported state; by device. */
  readonly #unproven = new Map<string, Command[]>();

  private constructor(commands: ShardCommands) {
    this.#commands = commands;
  }

  /** As of a cursor: a command whose answer is further on in the log waits for it again. */
  static async load(commands: ShardCommands, cursor: string): Promise<CommandSettlement> {
    const settlement = new CommandSettlement(commands);
    for (const command of await commands.open()) {
      const { state, answer } = command;
      if (state === 'acknowledged' && compareIds(answer?.entry ?? cursor, cursor) <= 0)
        settlement.#await(command);
    }
    return settlement;
  }

  /** Whether it wants to know what the device reports: asked with every reading. */
  awaits(device: string): boolean {
    return this.#unproven.size > 0 && this.#unproven.has(device);
  }

  /** The device, or a bridge account for it (`through`), answered at this place of the log. */
  async answered(
    device: string,
    ack: AckNotice,
    { at, entry, through }: Pick<CommandAnswer, 'at' | 'entry' | 'through'>,
    reported: ReportedState,
  ): Promise<void> {
    const known = await this.#commands.find(ack.id);
    // Stray answers are quarantined by the store.
    if (known?.device !== device) return;
    const action = findAction(known.deviceClass, known.action);
    const expected = action && expectationOf(action, known.args);
    const interval = reported.meta?.body['interval_s'];
    const intervalS = typeof interval === 'number' ? Math.min(interval, longestIntervalS) : 0;
    const verifyMs =
      action && expected && Math.max(action.withinMs(known.args), verifyIntervals * intervalS * 1000);
    const { ok, result } = ack;
    const command = await this.#commands.change(known.id, {
      kind: 'answered',
      answer: { at, entry, ok, result, through },
      verifyMs,
    });
    if (command?.state !== 'acknowledged' || command.answer?.entry !== entry) return;
    this.#await(command);
    await this.reported(device, at, reported);
  }

  /** The device's reported state is this now. */
  async reported(device: string, at: number, reported: ReportedState): Promise<void> {
    for (const command of this.#unproven.get(device) ?? []) {
      const action = findAction(command.deviceClass, command.action);
      const expected = action && expectationOf(action, command.args);
      const why = expected && findProof(reported, expected, command);
      if (why === undefined) continue;
      await this.#commands.change(command.id, { kind: 'shown', at, why });
      this.#forget(command);
    }
  }

  /** Pipeline time has come to `at`. */
  async time(at: number): Promise<void> {
    for (const { id } of await this.#commands.due(at)) {
      const command = await this.#commands.change(id, { kind: 'time', at });
      if (command !== undefined && isFinished(command)) this.#forget(command);
    }
  }

  #await(command: Command): void {
    const known = this.#unproven.get(command.device) ?? [];
    if (known.some(({ id }) => id === command.id)) return;
    this.#unproven.set(command.device, [...known, command]);
  }

  #forget({ id, device }: Command): void {
    const left = (this.#unproven.get(device) ?? []).filter((command) => command.id !== id);
    if (left.length === 0) this.#unproven.delete(device);
    else this.#unproven.set(device, left);
  }
}
