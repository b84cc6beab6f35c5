import { didYouMean } from '../../devices/did-you-mean.js';
import { eventTypes } from '../../devices/event-type.js';
import type { Call, FunctionSpec } from './call.js';
import { durationArg, recall, showCall, wordArg } from './call.js';
import { refuse } from './scope.js';
import { broken } from './value.js';
import { createEventWindow } from './window.js';

/** The type of event that the first argument names; undefined, with the mistake reported, where it names none. */
function typeArg(call: Call, usage: string): string | undefined {
  const { scope, args, node, name } = call;
  const type = wordArg(call, 0);
  const offset = args[0]?.start ?? node.start;
  if (type === undefined) refuse(scope, offset, `${name} needs the type of an event, such as ${usage}.`);
  else if (!(eventTypes as readonly string[]).includes(type))
    refuse(scope, offset, `There is no event of type "${type}".${didYouMean(type, eventTypes)}`);
  else if (scope.about === 'group')
    refuse(scope, offset, `A group has no events: ask members(events("${type}", "1h") > 0).`);
  else return type;
  return undefined;
}

export const eventFunctions: Readonly<Record<string, FunctionSpec>> = {
  event: {
    usage: 'event("radar")',
    needs: 'the type of an event',
    gives: {
      en: 'whether it is this event that is judged; false for readings',
      zh: '正在判断的是否为该事件；读数为否',
    },
    args: [1],
    compile: (call) => {
      const type = typeArg(call, 'event("radar")');
      if (type === undefined) return broken;
      call.scope.uses.events = true;
      return { kind: 'truth', read: (sight) => sight.event === type };
    },
  },
  events: {
    usage: 'events("radar", "24h")',
    needs: 'the type of an event and a time',
    gives: { en: 'how many of these events there were in that time', zh: '这段时间内该事件的次数' },
    args: [2],
    compile: (call) => {
      const type = typeArg(call, 'events("radar", "24h")');
      const lengthMs = durationArg(call, 1, 'events needs a time, such as events("radar", "24h").');
      if (type === undefined || lengthMs === undefined) return broken;
      call.scope.uses.events = true;
      const window = createEventWindow(type, lengthMs);
      return showCall(call, recall(call.scope, window, window.question('count'), 0));
    },
  },
};
