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
  for (let i = 0; i < count; i++) {
    const needs = `${call.name} needs ${count === 1 ? 'a condition' : 'two conditions'}, such as ${usage}.`;
    const condition = conditionArg(call, i, inner, needs);
    if (condition !== undefined) conditions.push(condition);
  }
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

/** Whether anything is known, whether the first condition was true, whether the second is waited for, since when. */
const waiting = { known: 0, held: 1, waits: 2, since: 3 } as const;

/** Since when the second condition has not become true after the first one did. */
function createWaiting(inner: Scope, first: Inner, second: Inner, lookBackMs: number): Memory {
  return {
    key: `waiting/(${first.text})/(${second.text})`,
    metrics: [...inner.metrics],
    onEvents: inner.uses.events,
    lookBackMs,
    ...asWritten(4),
    isWaiting: (cells, start) => cells[start + waiting.waits] === 1,
    take: (cells, start, _size, _value, sight) => {
      cells[start] = 1;
      const holds = first.read(sight);
      if (holds === true && cells[start + waiting.held] === 0 && cells[start + waiting.waits] === 0) {
        cells[start + waiting.waits] = 1;
        cells[start + waiting.since] = sight.at;
      }
      if (holds !== undefined) cells[start + waiting.held] = holds ? 1 : 0;
      if (second.read(sight) === true) cells[start + waiting.waits] = 0;
      return true;
    },
  };
}

function then(call: Call): Value {
  const usage = 'then(event("radar"), clients == 0, "5m")';
  const found = conditionsOf(call, 2, usage);
  const lengthMs = durationArg(call, 2, `then needs two conditions and a time, such as ${usage}.`);
  const [first, second] = found?.conditions ?? [];
  if (found === undefined || first === undefined || second === undefined || lengthMs === undefined)
    return broken;
  const at = recall(call.scope, createSince(found.inner, first, lengthMs), readSince);
  call.scope.sequences.set(call.node, { conditions: [first, second], at });
  return {
    kind: 'truth',
    read: (sight) => {
      const holds = second.read(sight);
      return holds !== true ? holds : sight.at - at(sight) <= lengthMs;
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
      en: 'whether the second is true now, and the first was at most that long ago',
      zh: '第二个条件现在成立，且第一个条件在这段时间内成立过',
    },
    args: [3],
    compile: then,
  },
  not_then: {
    usage: 'not_then(event("reboot"), clients > 0, "10m")',
    needs: 'two conditions and a time',
    gives: {
      en: 'whether the first became true at least that long ago, and the second has not been true since',
      zh: '第一个条件成立已至少这么久，而第二个条件此后一直未成立',
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
