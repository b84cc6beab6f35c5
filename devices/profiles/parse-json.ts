import type { Rejection } from '../telemetry.js';
import type { VendorMessage } from './profile.js';

/** The payload as JSON, or the rejection that says why it is none. */
export function parseJson(
  message: VendorMessage,
): { readonly value: unknown } | { readonly rejection: Rejection } {
  try {
    return { value: JSON.parse(message.text()) as unknown };
  } catch (error) {
    return { rejection: { reason: 'not_json', detail: describe(message.text(), error as Error) } };
  }
}

/** What devices get wrong, in words; else what the parser says. */
function describe(text: string, error: Error): string {
  if (text.trim() === '') return 'the payload is empty';
  const notANumber = /[:,[]\s*-?(NaN|Infinity|nan|inf)\b/.exec(text)?.[1];
  if (notANumber !== undefined) return `${notANumber} is no JSON: leave a metric out that has no value`;
  if (/end of JSON|Unterminated/.test(error.message)) return 'the JSON ends too early: the payload was cut';
  return `the payload is no JSON: ${error.message.replace(/ is not valid JSON$/, '')}`;
}
