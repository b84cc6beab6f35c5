import { AppError } from './app-error.js';
import type { SettingName } from './settings.js';

/** Where a server was to listen, and which settings said so. */
export interface WantedAddress {
  readonly host: string;
  readonly port: number;
  readonly hostSetting: SettingName;
  readonly portSetting: SettingName;
}

/** Why a server of ours could not listen, and which settings to change. */
export function cannotListen(wanted: WantedAddress, error: NodeJS.ErrnoException): AppError {
  const { host, port, hostSetting, portSetting } = wanted;
  const name = portSetting.replace('_PORT', '').replace('_', ' ');
  const why =
    error.code === 'EADDRINUSE' ? 'is taken by another program' : `can not be used (${error.message})`;
  return new AppError(
    'port_taken',
    `${name} port ${host}:${port} ${why}: set ${portSetting} or ${hostSetting} to another.`,
    { cause: error },
  );
}
