import type { AuthenticateError } from 'aedes';
import type { Refusal } from '../runtime/failure-throttle.js';

// CONNACK return codes of MQTT 3.1.1, table 3.1.
export const serverUnavailable = 3;
export const badUserNameOrPassword = 4;
export const notAuthorized = 5;

/** Refuses a CONNECT with one of the CONNACK return codes above. */
export class ConnectRefusal extends Error implements AuthenticateError {
  readonly returnCode: number;
  /** How it was held back, where its like came too often. */
  readonly slowed: Refusal | undefined;

  constructor(returnCode: number, message: string, slowed?: Refusal) {
    super(message);
    this.returnCode = returnCode;
    this.slowed = slowed;
  }
}
