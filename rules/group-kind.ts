/**
 * What devices can be taken together by: their room, the floor it is on, the device they are reached through (access
 * points of one switch or gateway), or their site.
 */
export const groupKinds = ['room', 'floor', 'parent', 'site'] as const;
export type GroupKind = (typeof groupKinds)[number];
