import type { DeviceRef } from '../device-ref.js';
import type { Program } from './program.js';
import type { DeviceState, Subject } from './state.js';

export function createDeviceState(device: DeviceRef, program: Program): DeviceState {
  return {
    ...createSubject(program),
    device,
    program,
    heardAt: -Infinity,
    newestAt: -Infinity,
    judgedAt: -Infinity,
    lagMs: 0,
    asleep: false,
    presence: undefined,
    excused: false,
    isMissed: false,
    parts: new Map(),
    traits: program.traits.map(() => false),
    groups: {},
    changed: false,
    slowChanged: false,
  };
}

export function createSubject({ memories, rules }: Program): Subject {
  // With all their places from the start: reading past the end of an array is slow.
  return { memories: memories.map(() => undefined), alarms: rules.map(() => undefined) };
}
