import { didYouMean } from '../../devices/did-you-mean.js';
import type { Call, FunctionSpec } from './call.js';
import { wordArg } from './call.js';
import { eventFunctions } from './event-functions.js';
import { groupFunctions } from './group-functions.js';
import { refuse, textOf } from './scope.js';
import { sequenceFunctions } from './sequence-functions.js';
import type { Sight } from './sight.js';
import type { Value } from './value.js';
import { numberOf } from './value.js';
import { valueFunctions } from './value-functions.js';
import { windowFunctions } from './window-functions.js';

const ruleFunctions: Readonly<Record<string, FunctionSpec>> = {
  active: {
    usage: 'active("co2-sensor-drift")',
    needs: 'the id of a rule',
    gives: {
      en: "whether the device's alarm of that rule is active",
      zh: '该设备上那条规则的告警是否正在发生',
    },
    args: [1],
    compile: active,
  },
};

/** Everything that conditions can call beside `math.greatest`, `math.least` and `math.abs`, by name. */
export const functions: Readonly<Record<string, FunctionSpec>> = {
  ...windowFunctions,
  ...valueFunctions,
  ...eventFunctions,
  ...sequenceFunctions,
  ...groupFunctions,
  ...ruleFunctions,
};

/** Compiles a call of a function; mistakes are reported to the scope. */
export function compileCall(call: Call): Value {
  const { scope, node, name, args } = call;
  const spec = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (spec === undefined) {
    const known = [...Object.keys(functions), 'math.greatest', 'math.least', 'math.abs'];
    return refuse(scope, node.start, `There is no function "${name}".${didYouMean(name, known)}`);
  }
  if (!spec.args.includes(args.length))
    return refuse(scope, node.start, `${name} needs ${spec.needs}, such as ${spec.usage}.`);
  return spec.compile(call);
}

function active(call: Call): Value {
  const { scope, node } = call;
  const rule = wordArg(call, 0);
  if (rule === undefined)
    return refuse(scope, node.start, 'active needs the id of a rule, such as active("co2-sensor-drift").');
  if (scope.about === 'group')
    return refuse(scope, node.start, `active is about a device: ask member_share(active("${rule}")).`);
  scope.rules.set(rule, call.args[0]?.start ?? node.start);
  scope.uses.ticks = true;
  const place = scope.plan.ruleAt(rule);
  if (place === undefined) return { kind: 'truth', read: () => false };
  const isActive = (alarm: { readonly level: number } | undefined) => alarm !== undefined && alarm.level >= 0;
  const read = ({ alarms, deviceAlarms }: Sight) => isActive(alarms[place]) || isActive(deviceAlarms[place]);
  scope.evidence.set(textOf(scope, node), (sight) => numberOf(read(sight)));
  return { kind: 'truth', read };
}
