import type { Calendar } from '../calendar.js';
import { createEngine } from '../engine/engine.js';
import type { CompiledRule } from '../rule.js';
import { Activations } from './activations.js';
import { diffActivations } from './diff-activations.js';
import type { RuleDiff } from './diff-activations.js';
import type { HistoryItem } from './history.js';
import { countLoad } from './operator-load.js';
import type { OperatorLoad } from './operator-load.js';
import type { Period } from './period.js';
import { Replay } from './replay.js';
import type { Listener, Progress } from './replay.js';
import { countByRule } from './rule-statistics.js';
import type { RuleStatistics } from './rule-statistics.js';
import { HistoryContents } from './unjudged.js';
import type { UnjudgedRule } from './unjudged.js';

export interface BacktestParts {
  readonly rules: readonly CompiledRule[];
  /** Other rules, to compare with. */
  readonly oldRules?: readonly CompiledRule[] | undefined;
  readonly calendar: Calendar;
  /** Only what happens in it is counted. */
  readonly period: Period;
  /** Where the history begins: before the period by what the rules look back, epoch ms. */
  readonly warmUpFrom: number;
  /** Older than that on arrival is judged by nobody, ms. */
  readonly latenessMs: number;
}

/** What rules would have done. */
export interface BacktestResult {
  readonly rules: readonly RuleStatistics[];
  readonly load: OperatorLoad;
  /** Rules that never fired, and could not have: the history has nothing to judge them by. */
  readonly unjudged: readonly UnjudgedRule[];
  /** What the change from the old rules does; undefined where there are none to compare with. */
  readonly diff: readonly RuleDiff[] | undefined;
}

/** Tries rules on what devices once said. Feed it the history in order, then ask what came of it. */
export class Backtest {
  readonly #parts: BacktestParts;
  readonly #replay: Replay;
  readonly #found: Activations;
  readonly #foundBefore: Activations | undefined;
  readonly #contents: HistoryContents;

  constructor(parts: BacktestParts) {
    const { rules, oldRules, calendar, warmUpFrom, latenessMs } = parts;
    const { from, until } = parts.period;
    this.#parts = parts;
    this.#contents = new HistoryContents(calendar);
    this.#found = new Activations(from, until);
    const listeners = [listen(rules, calendar, this.#found)];
    if (oldRules !== undefined) {
      this.#foundBefore = new Activations(from, until);
      listeners.push(listen(oldRules, calendar, this.#foundBefore));
    }
    this.#replay = new Replay(listeners, warmUpFrom, latenessMs);
  }

  get progress(): Progress {
    return this.#replay.progress;
  }

  take(item: HistoryItem): void {
    this.#contents.take(item);
    this.#replay.take(item);
  }

  /** @param operators who would have shared the alarms */
  finish(operators: number): BacktestResult {
    const { rules, period, calendar } = this.#parts;
    this.#replay.passTo(period.until);
    const found = this.#found.all();
    const fired = new Set(found.map(({ rule }) => rule));
    const silent = rules.filter(({ id, mode }) => mode !== 'off' && !fired.has(id));
    return {
      unjudged: this.#contents.findUnjudged(silent),
      rules: countByRule(rules, found, period, calendar),
      load: countLoad(found, period, operators),
      diff: this.#foundBefore && diffActivations(this.#foundBefore.all(), found),
    };
  }
}

function listen(rules: readonly CompiledRule[], calendar: Calendar, found: Activations): Listener {
  return {
    engine: createEngine(rules, calendar),
    onTransitions: (transitions) => {
      for (const transition of transitions) found.take(transition);
    },
  };
}
