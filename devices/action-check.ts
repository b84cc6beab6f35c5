import type { z } from 'zod';
import type { Action, Arguments } from './action.js';
import { actionsOf, deniedActions } from './action-list.js';
import type { DeviceClass } from './device-class.js';
import { issueWords } from './issue-words.js';
import type { StatePath } from './state-key.js';

/** Why something can't be commanded, as codes and one sentence. */
export interface ActionProblem {
  readonly code: 'unknown_action' | 'denied_action' | 'wrong_argument';
  readonly message: string;
}

/** The action of that name; undefined where the class has none. */
export function findAction(deviceClass: DeviceClass, name: string): Action | undefined {
  const actions = actionsOf[deviceClass];
  return Object.hasOwn(actions, name) ? actions[name] : undefined;
}

/** Checks an action and its arguments for a class of device; the arguments come back as they will be sent. */
export function checkAction(
  deviceClass: DeviceClass,
  name: string,
  args: Readonly<Record<string, unknown>>,
): { readonly action: Action; readonly args: Arguments } | ActionProblem {
  const denied = Object.hasOwn(deniedActions, name) ? deniedActions[name] : undefined;
  if (denied !== undefined) {
    return { code: 'denied_action', message: `"${name}" is never sent to a device: ${denied}.` };
  }
  const action = findAction(deviceClass, name);
  if (action === undefined) {
    const known = Object.keys(actionsOf[deviceClass]).join(', ');
    const message = `Class ${deviceClass} has no action "${name}". It has: ${known}.`;
    return { code: 'unknown_action', message };
  }
  const checked = action.args.safeParse(args);
  if (checked.success) return { action, args: checked.data as Arguments };
  return { code: 'wrong_argument', message: describeMistake(name, action, checked.error.issues[0]) };
}

/** Whether `checkAction` found something wrong. */
export function isActionProblem(result: object): result is ActionProblem {
  return 'code' in result;
}

/** The action, with its arguments, that brings a state about; undefined where the class has none. */
export function actionThatSets(
  deviceClass: DeviceClass,
  path: StatePath,
  value: unknown,
): { readonly name: string; readonly args: Readonly<Record<string, unknown>> } | undefined {
  for (const [name, { sets }] of Object.entries(actionsOf[deviceClass])) {
    if (sets?.name !== path.name || (sets.meta === true) !== (path.of === 'meta')) continue;
    if ((sets.part !== undefined) !== (path.of === 'part')) continue;
    const part = sets.part !== undefined && path.of === 'part' ? { [sets.part]: path.part } : {};
    return { name, args: { ...part, [sets.name]: value } };
  }
  return undefined;
}

/** The states of a class that can be asked for, with `<part>` where a part's name belongs. */
export function settableKeys(deviceClass: DeviceClass): string[] {
  return Object.values(actionsOf[deviceClass]).flatMap(({ sets }) => {
    if (sets === undefined) return [];
    if (sets.meta === true) return [`meta.${sets.name}`];
    return [sets.part === undefined ? sets.name : `parts.<${sets.part}>.${sets.name}`];
  });
}

function describeMistake(name: string, action: Action, issue: z.core.$ZodIssue | undefined): string {
  const names = Object.keys(action.args.shape);
  const takes = names.length === 0 ? 'takes no arguments' : `takes ${names.join(', ')}`;
  if (issue?.code === 'unrecognized_keys') {
    return `${name} has no argument "${issue.keys[0] ?? ''}": it ${takes}.`;
  }
  const wrong = issue === undefined ? 'is wrong' : issueWords(issue);
  return `Argument "${String(issue?.path[0] ?? '')}" of ${name} ${wrong}; it ${takes}.`;
}
