import type { AuthenticateError } from 'aedes';
import type { Refusal } from '../runtime/failure-throttle.js';

// CONNACK return codes of MQTT 3.1.1, table 3.1.
export const serverUnavailable = 3;
export const badUserNameOrPassword = 4;
export const notAuthorized = 5;

/** Why a CONNECT was refused, as `pc_mqtt_refusals_total` and `campus status` count it. */
export type RefusalReason =
  | 'no_password'
  | 'unknown_device'
  | 'wrong_password'
  | 'wrong_token'
  | 'wrong_account'
  | 'revoked'
  | 'certificate'
  | 'wrong_client_id'
  | 'other_site'
  | 'not_now';

/** Refuses a CONNECT with one of the CONNACK return codes above. */
export class ConnectRefusal extends Error implements AuthenticateError {
  readonly returnCode: number;
  readonly reason: RefusalReason;
  /** How it was held back, where its like came too often. */
  readonly slowed: Refusal | undefined;

  constructor(returnCode: number, reason: RefusalReason, message: string, slowed?: Refusal) {
    super(message);
    this.returnCode = returnCode;
    this.reason = reason;
    this.slowed = slowed;
  }
}
