import type { DeviceClass } from '../../devices/device-class.js';
import type { DeviceRef } from '../device-ref.js';
import type { Expression } from '../expression/expression.js';
import { isWide } from '../group-kind.js';
import type { GroupKind } from '../group-kind.js';
import type { DeviceState, GroupRef, GroupState } from './state.js';
import type { BoundRule, Program } from './program.js';

export const noTraits: ReadonlySet<number> = new Set();

export function createGroupState(ref: GroupRef, program: Program): GroupState {
  return {
    ref,
    subject: subjectOf(ref),
    program,
    members: new Set(),
    size: 0,
    counts: program.traits.map(() => 0),
    medians: program.medians.map(() => undefined),
    unknown: noTraits,
    isPartial: false,
    alarms: program.groupRules.map(() => undefined),
    activations: undefined,
    changed: false,
  };
}

function subjectOf({ kind, site, id }: GroupRef): string {
  if (isWide(kind)) return `${kind}-${id}`;
  return kind === 'site' ? site : `${site}~${kind}-${id}`;
}

/** The group of a kind that a device is in; undefined where nobody registered that. */
export function groupOf(device: DeviceRef, kind: GroupKind): GroupRef | undefined {
  const id = {
    room: device.room,
    floor: device.floor === undefined ? undefined : String(device.floor),
    parent: device.parentId,
    site: device.site,
    district: device.district,
  }[kind];
  if (id === undefined) return undefined;
  return { deviceClass: device.deviceClass, kind, site: isWide(kind) ? '' : device.site, id };
}

/** What identifies a group, in the checkpoint, too. */
export function groupKey({ deviceClass, kind, site, id }: GroupRef): string {
  return `${deviceClass}/${kind}/${site}/${id}`;
}

/** The inverse of `groupKey`. */
export function parseGroupKey(key: string): GroupRef {
  const [deviceClass, kind, site, ...id] = key.split('/');
  return {
    deviceClass: deviceClass as DeviceClass,
    kind: kind as GroupKind,
    site: site ?? '',
    id: id.join('/'),
  };
}

/** Whether nobody can say just now how a rule stands for the group. What is left out is no reason to end an alarm. */
export function isUnknown({ unknown, isPartial, alarms }: GroupState, { place, steps }: BoundRule): boolean {
  if (isPartial && (alarms[place]?.level ?? -1) >= 0) return true;
  if (unknown.size === 0) return false;
  const isSo = ({ traits }: Expression) => traits.some((trait) => unknown.has(trait));
  return steps.some(({ condition, clear }) => isSo(condition) || isSo(clear));
}

/** Takes a device into a group, or out of it, with all that it is counted in. */
export function changeMember(group: GroupState, state: DeviceState, by: 1 | -1): void {
  if (by === 1) group.members.add(state);
  else group.members.delete(state);
  group.size = group.members.size;
  state.traits.forEach((holds, place) => {
    if (holds) group.counts[place] = (group.counts[place] ?? 0) + by;
  });
}
