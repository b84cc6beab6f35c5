import type { Call, FunctionSpec } from './call.js';
import { conditionArg, durationArg, recall, showCall } from './call.js';
import type { Cells } from './cells.js';
import type { Memory } from './memory.js';
import { asWritten } from './memory.js';
import type { Scope } from './scope.js';
import { innerScope, refuse } from './scope.js';
import { broken } from './value.js';
import type { TruthValue, Value } from './value.js';

/** What `seconds_since` is asked about is not further back, as a rule, ms: a backtest warms up for so long. */
const longestMs = 86_400_000;

interface Inner extends TruthValue {
  readonly text: string;
  /** It is about events, which are over as soon as they come. */
  readonly onEvents: boolean;
}

/** The conditions that the first arguments are; undefined, with the mistake reported, where one is none. */
function conditionsOf(
  call: Call,
  count: number,
  usage: string,
): { inner: Scope; conditions: Inner[] } | undefined {
  const { scope } = call;
  const inner = innerScope(scope);
  const conditions: Inner[] = [];
  let usesEvents = false;
  for (let i = 0; i < count; i++) {
    const needs = `${call.name} needs ${count === 1 ? 'a condition' : 'two conditions'}, such as ${usage}.`;
    const condition = conditionArg(call, i, inner, needs);
    if (condition !== undefined) conditions.push({ ...condition, onEvents: inner.uses.events });
    usesEvents ||= inner.uses.events;
    inner.uses.events = false;
  }
  inner.uses.events = usesEvents;
  if (scope.about === 'group')
    refuse(scope, call.node.start, `${call.name} is about a device, not about a group.`);
  else if (inner.uses.silence) {
    const message = `${call.name} is about metrics and events; silence_s and presence can't be used in it.`;
    refuse(scope, call.node.start, message);
  } else if (conditions.length === count) {
    for (const metric of inner.metrics) scope.metrics.add(metric);
    for (const [name, read] of inner.evidence) scope.evidence.set(name, read);
    for (const [rule, offset] of inner.rules) scope.rules.set(rule, offset);
    scope.uses.events ||= inner.uses.events;
    scope.uses.memories = true;
    return { inner, conditions };
  }
  return undefined;
}

/** Whether the condition was ever true, and when it last was. */
const since = { was: 0, at: 1 } as const;

function readSince(cells: Cells, start: number): number {
  return cells[start] === 0 ? NaN : (cells[start + since.at] as number);
}

/** When the condition was last true. */
function createSince(inner: Scope, { text, read }: Inner, lookBackMs: number): Memory {
  return {
    key: `since/(${text})`,
    metrics: [...inner.metrics],
    onEvents: inner.uses.events,
    lookBackMs,
    ...asWritten(2),
    take: (cells, start, _size, _value, sight) => {
      if (read(sight) !== true || sight.at < readSince(cells, start)) return true;
      cells[start] = 1;
      cells[start + since.at] = sight.at;
      return true;
    },
  };
}

/**
 * Where the numbers of a `followed` memory are: whether there are any, when the first condition was last true, when it
 * last was before the second was looked at, when that was, and whether the second was true then.
 */
const followed = { known: 0, firstAt: 1, before: 2, secondAt: 3, holds: 4 } as const;

/** When the first condition was last true before the second was looked at; NaN where it never was. */
function readFirst(cells: Cells, start: number): number {
  const at = cells[start + followed.before] as number;
  return at === 0 ? NaN : at;
}

/** When the first condition was last true, before the second one last came; in whatever order they arrive. */
function createFollowed(inner: Scope, first: Inner, second: Inner, lookBackMs: number): Memory {
  return {
    key: `followed/(${first.text})/(${second.text})`,
    metrics: [...inner.metrics],
    onEvents: inner.uses.events,
    lookBackMs,
    ...asWritten(5),
    take: (cells, start, _size, _value, sight) => {
      const { at } = sight;
      cells[start] = 1;
      const secondAt = cells[start + followed.secondAt] as number;
      if (first.read(sight) === true) {
        cells[start + followed.firstAt] = Math.max(at, cells[start + followed.firstAt] as number);
        if (at <= secondAt)
          cells[start + followed.before] = Math.max(at, cells[start + followed.before] as number);
      }
      const holds = second.read(sight);
      if (holds === undefined || at < secondAt) return true;
      const firstAt = cells[start + followed.firstAt] as number;
      cells[start + followed.secondAt] = at;
      cells[start + followed.holds] = holds ? 1 : 0;
      if (firstAt <= at) cells[start + followed.before] = firstAt;
      return true;
    },
  };
}

/**
 * Where the numbers of an `unanswered` memory are: whether anything is known; whether the first condition was true
 * when it was last looked at, and when that was; whether the second is waited for, and since when; when the first last
 * became true, and was last true; when the second was last true.
 */
const waiting = {
  known: 0,
  held: 1,
  heldAt: 2,
  waits: 3,
  since: 4,
  latest: 5,
  trueAt: 6,
  answeredAt: 7,
} as const;

/** Since when the second condition has not become true after the first one did; in whatever order they arrive. */
function createWaiting(inner: Scope, first: Inner, second: Inner, lookBackMs: number): Memory {
  return {
    key: `unanswered/(${first.text})/(${second.text})`,
    metrics: [...inner.metrics],
    onEvents: inner.uses.events,
    lookBackMs,
    ...asWritten(8),
    isWaiting: (cells, start) => cells[start + waiting.waits] === 1,
    take: (cells, start, _size, _value, sight) => {
      cells[start] = 1;
      const holds = first.read(sight);
      if (sight.event === undefined || !first.onEvents) {
        if (holds !== undefined) ask(cells, start, sight.at, holds);
      } else if (holds === true) askAnew(cells, start, sight.at);
      if (second.read(sight) === true) answer(cells, start, sight.at);
      return true;
    },
  };
}

/** The first condition was true, or was not. */
function ask(cells: Cells, start: number, at: number, holds: boolean): void {
  const trueAt = cells[start + waiting.trueAt] as number;
  const isNewest = at >= (cells[start + waiting.heldAt] as number);
  // One that comes late while it was also true later is taken for part of the same.
  const becameTrue = holds && (isNewest ? cells[start + waiting.held] === 0 : at > trueAt);
  if (becameTrue) askAnew(cells, start, at);
  else if (holds && cells[start + waiting.waits] === 1 && at > (cells[start + waiting.answeredAt] as number))
    cells[start + waiting.since] = Math.min(at, cells[start + waiting.since] as number);
  if (holds) cells[start + waiting.trueAt] = Math.max(at, trueAt);
  if (!isNewest) return;
  cells[start + waiting.held] = holds ? 1 : 0;
  cells[start + waiting.heldAt] = at;
}

/** The first condition became true. */
function askAnew(cells: Cells, start: number, at: number): void {
  cells[start + waiting.latest] = Math.max(at, cells[start + waiting.latest] as number);
  if (at <= (cells[start + waiting.answeredAt] as number)) return;
  const since = cells[start + waiting.waits] === 1 ? (cells[start + waiting.since] as number) : Infinity;
  cells[start + waiting.waits] = 1;
  cells[start + waiting.since] = Math.min(at, since);
}

/** The second condition was true. */
function answer(cells: Cells, start: number, at: number): void {
  cells[start + waiting.answeredAt] = Math.max(at, cells[start + waiting.answeredAt] as number);
  if (cells[start + waiting.waits] === 0 || (cells[start + waiting.since] as number) > at) return;
  const latest = cells[start + waiting.latest] as number;
  // It answers what was asked before it, not what was asked after.
  if (latest > at) cells[start + waiting.since] = latest;
  else cells[start + waiting.waits] = 0;
}

function then(call: Call): Value {
  const usage = 'then(event("radar"), clients == 0, "5m")';
  const found = conditionsOf(call, 2, usage);
  const lengthMs = durationArg(call, 2, `then needs two conditions and a time, such as ${usage}.`);
  const [first, second] = found?.conditions ?? [];
  if (found === undefined || first === undefined || second === undefined || lengthMs === undefined)
    return broken;
  const memory = createFollowed(found.inner, first, second, lengthMs);
  const at = recall(call.scope, memory, readFirst);
  const held = recall(call.scope, memory, (cells, start) => cells[start + followed.holds] as number);
  call.scope.sequences.set(call.node, { conditions: [first, second], at });
  return {
    kind: 'truth',
    read: (sight) => {
      const holds = second.read(sight);
      if (holds === false) return false;
      const isInTime = sight.at - at(sight) <= lengthMs;
      if (holds === true) return isInTime;
      // The first one may be what came late, when nothing tells of the second.
      return isInTime && held(sight) === 1 ? true : undefined;
    },
  };
}

function notThen(call: Call): Value {
  const usage = 'not_then(event("reboot"), clients > 0, "10m")';
  const found = conditionsOf(call, 2, usage);
  const lengthMs = durationArg(call, 2, `not_then needs two conditions and a time, such as ${usage}.`);
  const [first, second] = found?.conditions ?? [];
  if (found === undefined || first === undefined || second === undefined || lengthMs === undefined)
    return broken;
  const memory = createWaiting(found.inner, first, second, lengthMs);
  const at = recall(call.scope, memory, (cells, start) =>
    cells[start + waiting.waits] === 0 ? NaN : (cells[start + waiting.since] as number),
  );
  call.scope.uses.ticks = true;
  call.scope.sequences.set(call.node, { conditions: [first, second], at });
  return { kind: 'truth', read: (sight) => sight.at - at(sight) >= lengthMs };
}

function secondsSince(call: Call): Value {
  const found = conditionsOf(call, 1, 'seconds_since(occupied == 1)');
  const [condition] = found?.conditions ?? [];
  if (found === undefined || condition === undefined) return broken;
  const at = recall(call.scope, createSince(found.inner, condition, longestMs), readSince);
  return showCall(call, (sight) => (sight.at - at(sight)) / 1000);
}

export const sequenceFunctions: Readonly<Record<string, FunctionSpec>> = {
  then: {
    usage: 'then(event("radar"), clients == 0, "5m")',
    needs: 'two conditions and a time',
    gives: {
      en: 'whether the second is true now, and the first was at most that long ago, whichever of them arrives first',
      zh: '第二个条件现在成立，且第一个条件在这段时间内成立过，与到达先后无关',
    },
    args: [3],
    compile: then,
  },
  not_then: {
    usage: 'not_then(event("reboot"), clients > 0, "10m")',
    needs: 'two conditions and a time',
    gives: {
      en: 'whether the first became true at least that long ago, and the second has not been true since, whichever of them arrives first',
      zh: '第一个条件成立已至少这么久，而第二个条件此后一直未成立，与到达先后无关',
    },
    args: [3],
    compile: notThen,
  },
  seconds_since: {
    usage: 'seconds_since(occupied == 1)',
    needs: 'a condition',
    gives: {
      en: 'seconds since the condition was last true; unknown where it never was',
      zh: '条件上次成立至今的秒数；从未成立时未知',
    },
    args: [1],
    compile: secondsSince,
  },
};
