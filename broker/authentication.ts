import type { AuthenticateError, Client } from 'aedes';
import { findSecret } from '../devices/credential.js';
import type { KnownDevice } from '../devices/redis-credentials.js';
import { openSession } from './session.js';
import type { Session } from './session.js';

// CONNACK return codes of MQTT 3.1.1, table 3.1.
const serverUnavailable = 3;
const badUserNameOrPassword = 4;
const notAuthorized = 5;

/** Refuses a CONNECT with one of the CONNACK return codes above. */
export class ConnectRefusal extends Error implements AuthenticateError {
  readonly returnCode: number;

  constructor(returnCode: number, message: string) {
    super(message);
    this.returnCode = returnCode;
  }
}

/**
 * Checks who connects: user name and client id are the device's id, the password is its secret.
 * @returns the session of a device that is who it says it is
 * @throws ConnectRefusal with the return code the client gets, and why, for our log
 */
export async function authenticateDevice(
  connect: {
    readonly client: Client;
    readonly username: string | undefined;
    readonly password: Buffer | undefined;
  },
  find: (device: string) => Promise<KnownDevice | undefined>,
  shards: number,
  now: number,
): Promise<Session> {
  const { client, username, password } = connect;
  if (username === undefined || username === '' || password === undefined) {
    throw new ConnectRefusal(badUserNameOrPassword, 'no user name or password');
  }
  let known: KnownDevice | undefined;
  try {
    known = await find(username);
  } catch {
    throw new ConnectRefusal(serverUnavailable, 'the registry can not be asked now');
  }
  // Secrets end by the wall clock, as certificates do, whatever clock the pipeline runs on.
  if (known === undefined || findSecret(known.credentials, password, Date.now()) === undefined) {
    throw new ConnectRefusal(badUserNameOrPassword, 'unknown device or wrong secret');
  }
  if (client.id !== known.device.id) {
    throw new ConnectRefusal(notAuthorized, 'the client id is not the device id');
  }
  return openSession(known.device, shards, now);
}
