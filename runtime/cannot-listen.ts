import { AppError } from './app-error.js';

/**
 * Why a server of ours could not listen, and which settings to change.
 * @param name the settings without `_HOST` and `_PORT`
 */
export function cannotListen(
  name: 'MQTT' | 'HTTP',
  host: string,
  port: number,
  error: NodeJS.ErrnoException,
): AppError {
  const why =
    error.code === 'EADDRINUSE' ? 'is taken by another program' : `can not be used (${error.message})`;
  return new AppError(
    'port_taken',
    `${name} port ${host}:${port} ${why}: set ${name}_PORT or ${name}_HOST to another.`,
    { cause: error },
  );
}
