import { deviceClasses } from '../../devices/device-class.js';
import type { Incident } from '../../alerts/incidents/incident.js';

/** How many alarms of which devices and places: `171 (170 active)`, `85 ap, 86 sensor`, `86 rooms`. */
export function describeExtent({ alarms, active, classes, rooms, sites }: Incident): string {
  const devices = deviceClasses.flatMap((each) =>
    classes[each] === undefined ? [] : [`${classes[each]} ${each}`],
  );
  const places = [...(sites > 1 ? [`${sites} sites`] : []), ...(rooms > 1 ? [`${rooms} rooms`] : [])];
  const count = active === alarms ? `${alarms}` : `${alarms} (${active} active)`;
  return [count, devices.join(', '), places.join(', ')].filter((line) => line !== '').join('\n');
}
