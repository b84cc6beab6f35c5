import { unassigned } from '../../devices/site.js';
import type { Alarm } from '../../rules/alarm.js';

type Placed = Pick<Alarm, 'site' | 'room' | 'device' | 'part' | 'group'>;

/** Where an alarm is and what it is about, without what nobody assigned: `school-1, room-101` and `co2-101`. */
export function describePlace({ site, room, device, part, group }: Placed): string[] {
  const where = [site, room].filter((level) => level !== unassigned).join(', ');
  const about =
    group === undefined
      ? [device, ...(part === undefined ? [] : [part])].join('/')
      : `${group.kind} ${group.id}`;
  return [where, about].filter((text) => text !== '');
}

/** The alarm without places that stand for none: a group has no room unless it is one. */
export function withoutPlaceholders<Record extends Partial<Placed>>(alarm: Record): Partial<Record> {
  const isNone = (key: string, value: unknown) => (key === 'site' || key === 'room') && value === unassigned;
  return alarm.group === undefined
    ? alarm
    : (Object.fromEntries(
        Object.entries(alarm).filter(([key, value]) => !isNone(key, value)),
      ) as Partial<Record>);
}
