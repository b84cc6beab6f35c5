import type { AuthenticateError, Client } from 'aedes';
import { secretMatches } from '../devices/credential.js';
import type { RegisteredDevice } from '../devices/redis-registry.js';
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
  find: (device: string) => Promise<RegisteredDevice | undefined>,
  shards: number,
  now: number,
): Promise<Session> {
  const { client, username, password } = connect;
  if (username === undefined || username === '' || password === undefined) {
    throw new ConnectRefusal(badUserNameOrPassword, 'no user name or password');
  }
  let device: RegisteredDevice | undefined;
  try {
    device = await find(username);
  } catch {
    throw new ConnectRefusal(serverUnavailable, 'the registry can not be asked now');
  }
  if (device === undefined || !secretMatches(device.secretHash, password)) {
    throw new ConnectRefusal(badUserNameOrPassword, 'unknown device or wrong secret');
  }
  if (client.id !== device.id) {
    throw new ConnectRefusal(notAuthorized, 'the client id is not the device id');
  }
  return openSession(device, shards, now);
}
