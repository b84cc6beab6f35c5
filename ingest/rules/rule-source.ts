import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryChange } from '../../devices/redis-registry-changes.js';
import { readRuleFiles } from '../../rules/load-rules.js';
import { parseRules } from '../../rules/parse-rules.js';
import { RuleSetError } from '../../rules/rule-problem.js';
import { messageOf } from '../../runtime/app-error.js';
import type { Logger } from '../../runtime/logger.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { EditWatch } from './edit-watch.js';
import { signatureOf } from './folder-signature.js';
import { loadRuleModes } from './redis-rule-modes.js';
import { findLatestRuleSet, findRuleSet, keepRuleSet } from './redis-rule-sets.js';
import { createRuleSet, describeDifference } from './rule-set.js';
import type { RuleSet } from './rule-set.js';

/** Where judges get their rules. */
export interface RuleSets {
  /** What to judge by from now on; another object when it is another set. */
  readonly current: RuleSet;
  /** The set of a checkpoint; undefined where it is not kept. @throws when Redis doesn't answer */
  find(id: string): Promise<RuleSet | undefined>;
  /** To be called before a checkpoint names the set. @throws when Redis doesn't answer */
  keep(set: RuleSet): Promise<void>;
}

/** The folder of rules, and the catalogue that they stand beside. */
type Folders = readonly [folder: string, catalogue?: string];

const pollMs = 250;
const retryMs = 500;

/**
 * The rules of the folders in the modes that somebody put them in, as new as both. A set with a mistake is refused
 * whole: the last good one goes on, also when this process is started meanwhile, and `warning` says why.
 */
export class RuleSource implements RuleSets {
  readonly #folders: Folders;
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #current: RuleSet;
  #warning: string | undefined;
  #modesDue = true;
  #done: Promise<void> = Promise.resolve();

  private constructor(folders: Folders, redis: Redis, log: Logger, current: RuleSet) {
    this.#folders = folders;
    this.#redis = redis;
    this.#log = log;
    this.#current = current;
  }

  /** @throws RuleSetError when the rules have mistakes and no set was ever judged by; when Redis doesn't answer */
  static async open(folders: Folders, redis: Redis, log: Logger): Promise<RuleSource> {
    const signature = await signaturesOf(folders);
    const modes = await loadRuleModes(redis);
    let source: RuleSource;
    try {
      const files = await readRuleFiles(...folders);
      source = new RuleSource(folders, redis, log, createRuleSet(files, parseRules(files), modes));
    } catch (error) {
      const latest = error instanceof RuleSetError ? await findLatestRuleSet(redis) : undefined;
      if (!(error instanceof RuleSetError) || latest === undefined) throw error;
      source = new RuleSource(folders, redis, log, latest);
      source.#refuse(error);
    }
    source.#done = source.#follow(new EditWatch(signature));
    return source;
  }

  get current(): RuleSet {
    return this.#current;
  }

  /** Why what is in the folders is not what is judged by. */
  get warning(): string | undefined {
    return this.#warning;
  }

  async find(id: string): Promise<RuleSet | undefined> {
    return id === this.#current.id ? this.#current : findRuleSet(this.#redis, id);
  }

  async keep(set: RuleSet): Promise<void> {
    await keepRuleSet(this.#redis, set, Date.now());
  }

  /** To be told of all changes that the registry's feed tells of. */
  changed(changes: readonly RegistryChange[]): void {
    this.#modesDue ||= changes.some(({ kind }) => kind === 'rule_mode' || kind === 'everything');
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #follow(watch: EditWatch): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
      if (this.#modesDue) await this.#followModes();
      const step = watch.look(await signaturesOf(this.#folders), performance.now());
      if (step !== 'wait') await this.#read(watch, step === 'complain');
    }
  }

  async #followModes(): Promise<void> {
    this.#modesDue = false;
    try {
      const modes = await loadRuleModes(this.#redis);
      const { files, written } = this.#current;
      this.#adopt(createRuleSet(files, written, modes));
    } catch (error) {
      this.#modesDue = true;
      this.#log.debug(`the modes of rules can not be read: ${messageOf(error)}`);
      await sleep(retryMs);
    }
  }

  async #read(watch: EditWatch, isComplaining: boolean): Promise<void> {
    try {
      const files = await readRuleFiles(...this.#folders);
      const set = createRuleSet(files, parseRules(files), this.#current.modes);
      if (this.#warning !== undefined) this.#log.info('the rule files have no mistakes any more');
      this.#warning = undefined;
      this.#adopt(set);
    } catch (error) {
      if (isComplaining) this.#refuse(error);
      else watch.isBroken();
    }
  }

  #adopt(set: RuleSet): void {
    const before = this.#current;
    if (set.id === before.id) return;
    this.#current = set;
    this.#log.info(
      `going on with other rules: ${describeDifference(before, set)}, ${set.rules.length} in all`,
    );
  }

  #refuse(error: unknown): void {
    this.#log.warn(`the rules of before go on. ${messageOf(error)}`);
    this.#warning = describeRefusal(error);
  }
}

async function signaturesOf([folder, catalogue]: Folders): Promise<string> {
  const own = await signatureOf(folder);
  return catalogue === undefined ? own : `${own}\n\n${await signatureOf(catalogue)}`;
}

/** One sentence: the first mistake, and how many more there are. */
function describeRefusal(error: unknown): string {
  const end = 'The rules of before go on; "campus rules check" lists all.';
  if (!(error instanceof RuleSetError)) return `The rule files can't be read: ${messageOf(error)}. ${end}`;
  const [first] = error.problems;
  const count = error.problems.length;
  const mistakes = count === 1 ? 'a mistake' : `${count} mistakes`;
  const place = first?.line === undefined ? first?.file : `${first.file}:${first.line}:${first.column}`;
  return `The rule files have ${mistakes}: ${place}: ${first?.message} ${end}`;
}
