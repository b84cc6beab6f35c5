import type { Rejection } from '../telemetry.js';
import type { VendorMessage } from './profile.js';

/** The payload as JSON, or the rejection that says why it is none. */
export function parseJson(
  message: VendorMessage,
): { readonly value: unknown } | { readonly rejection: Rejection } {
  try {
    return { value: JSON.parse(message.text()) as unknown };
  } catch (error) {
    const detail = message.payload.length === 0 ? 'the payload is empty' : (error as Error).message;
    return { rejection: { reason: 'not_json', detail } };
  }
}
