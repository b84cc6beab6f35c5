import type { Refusal } from '../alerts/control/guards.js';
import { AppError } from '../runtime/app-error.js';

/** What a person is told whose command a guard holds back. */
export function refusalError({ guard, message }: Refusal): AppError {
  const hint = `If it has to be all the same: --override ${guard} --reason TEXT.`;
  return new AppError(`guard_${guard}`, `Guard "${guard}": ${message} ${hint}`);
}
