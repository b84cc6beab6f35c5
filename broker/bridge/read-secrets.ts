import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { IClientOptions } from 'mqtt';
import { AppError, messageOf } from '../../runtime/app-error.js';
import type { Bridge } from './parse-bridges.js';

type Secrets = Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>;

const certificatePem = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/;

/**
 * The user name, password and certificates of a bridge. Paths are relative to the bridge file.
 * @throws AppError `bad_bridges` naming the bridge and what can't be read or used, never the secret
 */
export async function readSecrets(
  bridge: Bridge,
  bridgesFile: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Secrets> {
  const { username, passwordEnv } = bridge;
  const fromEnv = passwordEnv === undefined ? undefined : env[passwordEnv];
  if (passwordEnv !== undefined && fromEnv === undefined) {
    throw new AppError(
      'bad_bridges',
      `Bridge "${bridge.name}": its password should be in the environment variable ${passwordEnv}, which is not set.`,
    );
  }
  const [passwordText, certificates] = await Promise.all([
    read(bridge, bridgesFile, 'passwordFile'),
    readCertificates(bridge, bridgesFile),
  ]);
  const password = fromEnv ?? passwordText?.replace(/\r?\n$/, '');
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...certificates,
  };
}

/**
 * What the bridge's connection is encrypted and proven with, tried out as far as that goes without connecting.
 * @throws AppError as `readSecrets`
 */
export async function readCertificates(
  bridge: Bridge,
  bridgesFile: string,
): Promise<Pick<Secrets, 'ca' | 'cert' | 'key'>> {
  const [ca, cert, key] = await Promise.all([
    read(bridge, bridgesFile, 'ca'),
    read(bridge, bridgesFile, 'cert'),
    read(bridge, bridgesFile, 'key'),
  ]);
  const refuse = (why: string) => new AppError('bad_bridges', `Bridge "${bridge.name}": ${why}`);
  // TLS says nothing of a file without any, and then trusts nobody.
  if (ca !== undefined && !certificatePem.test(ca))
    throw refuse(`ca "${bridge.ca}" holds no certificate (PEM).`);
  const files = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    throw refuse(`its ca, cert and key can't be used (${messageOf(error)}).`);
  }
  return files;
}

async function read(
  bridge: Bridge,
  bridgesFile: string,
  key: 'passwordFile' | 'ca' | 'cert' | 'key',
): Promise<string | undefined> {
  const path = bridge[key];
  if (path === undefined) return undefined;
  try {
    return await readFile(resolve(dirname(bridgesFile), path), 'utf8');
  } catch (error) {
    throw new AppError('bad_bridges', `Bridge "${bridge.name}": ${key} can't be read (${messageOf(error)}).`);
  }
}
