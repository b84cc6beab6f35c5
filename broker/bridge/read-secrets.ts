import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { IClientOptions } from 'mqtt';
import { AppError, messageOf } from '../../runtime/app-error.js';
import type { Bridge } from './parse-bridges.js';

/**
 * The user name, password and certificates of a bridge. Paths are relative to the bridge file.
 * @throws AppError `bad_bridges` naming the bridge and what can't be read, never the secret
 */
export async function readSecrets(
  bridge: Bridge,
  bridgesFile: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>> {
  const read = async (key: 'passwordFile' | 'ca' | 'cert' | 'key') => {
    const path = bridge[key];
    if (path === undefined) return undefined;
    try {
      return await readFile(resolve(dirname(bridgesFile), path), 'utf8');
    } catch (error) {
      throw new AppError(
        'bad_bridges',
        `Bridge "${bridge.name}": ${key} can't be read (${messageOf(error)}).`,
      );
    }
  };
  const { username, passwordEnv } = bridge;
  const fromEnv = passwordEnv === undefined ? undefined : env[passwordEnv];
  if (passwordEnv !== undefined && fromEnv === undefined) {
    throw new AppError(
      'bad_bridges',
      `Bridge "${bridge.name}": its password should be in the environment variable ${passwordEnv}, which is not set.`,
    );
  }
  const [passwordText, ca, cert, key] = await Promise.all([
    read('passwordFile'),
    read('ca'),
    read('cert'),
    read('key'),
  ]);
  const password = fromEnv ?? passwordText?.replace(/\r?\n$/, '');
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
