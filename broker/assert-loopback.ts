import { isIPv4 } from 'node:net';
import { AppError } from '../runtime/app-error.js';
import { mqttAddresses } from '../runtime/mqtt-addresses.js';
import type { Settings } from '../runtime/settings.js';

/**
 * Makes sure that a broker which lets anybody in is reached from this machine alone.
 * @throws AppError `not_loopback`
 */
export function assertLoopback(settings: Settings): void {
  const outside = mqttAddresses(settings).find(({ host }) => !isLoopback(host));
  if (outside === undefined) return;
  throw new AppError(
    'not_loopback',
    `An open broker lets anybody in, so it listens on loopback only: ${outside.hostSetting} is "${outside.host}"; ` +
      'set it to 127.0.0.1 or ::1, or leave out --open-loopback.',
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
