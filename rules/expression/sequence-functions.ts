import type { Call, FunctionSpec } from './call.js';
import { conditionArg, contentOf, durationArg, showCall } from './call.js';
import type { Memory } from './memory.js';
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

/** When the condition was last true. */
function createSince(inner: Scope, { text, read }: Inner, lookBackMs: number): Memory {
  return {
    key: `since/(${text})`,
    metrics: [...inner.metrics],
    onEvents: inner.uses.events,
    lookBackMs,
    take: (content, sight) => {
      if (read(sight) === true && sight.at >= (content[0] ?? -Infinity)) content[0] = sight.at;
    },
  };
}

/** Since when something is waited for: -1 for nothing; and whether the first condition was true. */
const waiting = { since: 0, held: 1 } as const;

/** Since when the second condition has not become true after the first one did. */
function createWaiting(inner: Scope, first: Inner, second: Inner, lookBackMs: number): Memory {
  return {
    key: `waiting/(${first.text})/(${second.text})`,
    metrics: [...inner.metrics],
    onEvents: inner.uses.events,
    lookBackMs,
    take: (content, sight) => {
      if (content.length === 0) content.push(-1, 0);
      const holds = first.read(sight);
      if (holds === true && content[waiting.held] === 0 && content[waiting.since] === -1)
        content[waiting.since] = sight.at;
      if (holds !== undefined) content[waiting.held] = holds ? 1 : 0;
      if (second.read(sight) === true) content[waiting.since] = -1;
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
  const content = contentOf(call.scope, createSince(found.inner, first, lengthMs));
  return {
    kind: 'truth',
    read: (sight) => {
      const holds = second.read(sight);
      if (holds !== true) return holds;
      const since = content(sight)[0];
      return since !== undefined && sight.at - since <= lengthMs;
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
  const content = contentOf(call.scope, createWaiting(found.inner, first, second, lengthMs));
  call.scope.uses.ticks = true;
  return {
    kind: 'truth',
    read: (sight) => {
      const since = content(sight)[waiting.since] ?? -1;
      return since !== -1 && sight.at - since >= lengthMs;
    },
  };
}

function secondsSince(call: Call): Value {
  const found = conditionsOf(call, 1, 'seconds_since(occupied == 1)');
  const [condition] = found?.conditions ?? [];
  if (found === undefined || condition === undefined) return broken;
  const content = contentOf(call.scope, createSince(found.inner, condition, longestMs));
  return showCall(call, (sight) => {
    const since = content(sight)[0];
    return since === undefined ? NaN : (sight.at - since) / 1000;
  });
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
