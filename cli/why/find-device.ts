import { deviceClasses } from '../../devices/device-class.js';
import { nearest } from '../../devices/did-you-mean.js';
import type { Registry } from '../../devices/registry.js';
import { AppError } from '../../runtime/app-error.js';
import type { Influx } from '../../runtime/influx-connection.js';
import type { NamedDevice } from '../history/device-refs.js';
import { quoted } from '../history/influx-history.js';
import { ask } from '../history/surroundings.js';

/**
 * The device by the registry, else by the history.
 * @throws AppError `unknown_device` with the id that was probably meant
 */
export async function findNamedDevice(id: string, registry: Registry, influx: Influx): Promise<NamedDevice> {
  const registered = registry.devices.get(id);
  if (registered !== undefined) return registered;
  for (const deviceClass of deviceClasses) {
    const where = `WHERE "device" = ${quoted(id)} ORDER BY time DESC LIMIT 1`;
    const [row] = await ask(influx, `SELECT * FROM "${deviceClass}" ${where}`);
    if (row !== undefined)
      return { id, deviceClass, site: String(row['site']), room: String(row['room'] ?? '') };
  }
  const meant = nearest(id, registry.devices.keys());
  const hint = meant === undefined ? ' See "campus devices list".' : ` Did you mean "${meant}"?`;
  throw new AppError('unknown_device', `No device "${id}" is registered, nor was one ever heard.${hint}`);
}
