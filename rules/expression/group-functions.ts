import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { groupKinds, isWide } from '../group-kind.js';
import type { GroupKind } from '../group-kind.js';
import type { Call, FunctionSpec } from './call.js';
import { conditionArg, numberMetricArg, showCall, wordArg } from './call.js';
import { toExpression } from './expression.js';
import { innerScope, refuse } from './scope.js';
import { broken } from './value.js';
import type { Value } from './value.js';
import { createLast } from './value-memories.js';

/** Groups that are in one shard of the log, so that all of their devices are known. */
const comparable = groupKinds.filter((kind) => !isWide(kind));

/** The place of the condition that the devices of the group are counted by. */
function traitArg(call: Call, usage: string): number | undefined {
  const { scope, node, name } = call;
  if (scope.about !== 'group') {
    const message = `${name} is about a group of devices: give the rule a "group", one of ${groupKinds.join(', ')}.`;
    refuse(scope, node.start, message);
    return undefined;
  }
  const inner = innerScope(scope, 'device');
  const condition = conditionArg(call, 0, inner, `${name} needs a condition, such as ${usage}.`);
  if (condition === undefined) return undefined;
  for (const [rule, offset] of inner.rules) scope.rules.set(rule, offset);
  const place = scope.plan.traitOf(toExpression(inner, condition.text, call.args[0] as ASTNode, condition));
  scope.traits.add(place);
  return place;
}

function members(call: Call): Value {
  if (call.args.length === 0) {
    if (call.scope.about === 'group') return showCall(call, ({ group }) => group?.size ?? NaN);
    return refuse(
      call.scope,
      call.node.start,
      'members is about a group of devices: give the rule a "group".',
    );
  }
  const place = traitArg(call, 'members(silence_s > 300)');
  if (place === undefined) return broken;
  return showCall(call, ({ group }) => (group === undefined ? NaN : (group.counts[place] ?? 0)));
}

function memberShare(call: Call): Value {
  const place = traitArg(call, 'member_share(silence_s > 300)');
  if (place === undefined) return broken;
  return showCall(call, ({ group }) =>
    group === undefined || group.size === 0 ? NaN : (group.counts[place] ?? 0) / group.size,
  );
}

function peerMedian(call: Call): Value {
  const { scope, node, args } = call;
  const found = numberMetricArg(
    call,
    0,
    'peer_median needs a metric, such as peer_median(retry_pct, "floor").',
  );
  const written = wordArg(call, 1);
  const kind = comparable.find((each) => each === written);
  if (kind === undefined) {
    const hint =
      written === undefined ? ` Known are: ${comparable.join(', ')}.` : didYouMean(written, comparable);
    return refuse(
      scope,
      args[1]?.start ?? node.start,
      `peer_median needs the kind of group to compare with.${hint}`,
    );
  }
  if (found === undefined) return broken;
  const { plan, uses } = scope;
  const place = plan.medianOf({
    metric: found.name,
    kind,
    place: plan.placeOf(createLast(found.name, found.metric)),
  });
  uses.memories = true;
  return showCall(call, ({ groups }) => medianIn(groups, kind, place));
}

function medianIn(
  groups: Readonly<Partial<Record<GroupKind, { readonly medians: readonly (number | undefined)[] }>>>,
  kind: GroupKind,
  place: number,
): number {
  return groups[kind]?.medians[place] ?? NaN;
}

export const groupFunctions: Readonly<Record<string, FunctionSpec>> = {
  members: {
    usage: 'members(silence_s > 300)',
    needs: 'a condition, or nothing',
    gives: {
      en: 'in a rule with a group: how many of its devices are in the condition; without one, how many it has',
      zh: '用于带 group 的规则：组内有多少设备符合条件；不写条件时为组内设备数',
    },
    args: [0, 1],
    compile: members,
  },
  member_share: {
    usage: 'member_share(silence_s > 300)',
    needs: 'a condition',
    gives: {
      en: 'in a rule with a group: the share of its devices that are in the condition, 0 to 1',
      zh: '用于带 group 的规则：组内符合条件的设备比例，0 到 1',
    },
    args: [1],
    compile: memberShare,
  },
  peer_median: {
    usage: 'peer_median(retry_pct, "floor")',
    needs: 'a metric and a kind of group',
    gives: {
      en: "the median of it over the group's devices of the class, as of the last minute; unknown below four",
      zh: '组内同类设备该指标的中位数，每分钟更新；少于四台时未知',
    },
    args: [2],
    compile: peerMedian,
  },
};
