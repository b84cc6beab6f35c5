import { AppError } from '../runtime/app-error.js';
import { ProfileError } from '../devices/profiles/profile-error.js';
import { RuleSetError } from '../rules/rule-problem.js';

/** A failure whose message is all that a person needs; anything else is a mistake of ours and shows its stack. */
export function isExpectedFailure(error: unknown): error is AppError | ProfileError | RuleSetError {
  return error instanceof AppError || error instanceof ProfileError || error instanceof RuleSetError;
}
