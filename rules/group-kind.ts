/**
 * What devices can be taken together by: their room, the floor it is on, the device they are reached through (access
 * points of one switch or gateway), their site, or its district.
 */
export const groupKinds = ['room', 'floor', 'parent', 'site', 'district'] as const;
export type GroupKind = (typeof groupKinds)[number];

/** Whether such groups reach over several sites, and so over several shards of the log. */
export function isWide(kind: GroupKind): boolean {
  return kind === 'district';
}
