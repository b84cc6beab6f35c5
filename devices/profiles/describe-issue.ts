import type { z } from 'zod';
import type { Rejection } from '../telemetry.js';

/** The first mistake that zod found in a vendor's payload, as a rejection. */
export function describeIssue(error: z.ZodError): Rejection {
  const [issue] = error.issues;
  const where = issue?.path.map(String).join('.') ?? '';
  return { reason: 'wrong_shape', detail: `${where || 'the payload'}: ${issue?.message ?? 'wrong'}` };
}
