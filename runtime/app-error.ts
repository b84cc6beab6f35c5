/**
 * An expected failure that a person reads: one clear sentence that says what, where and what to do.
 * Anything else that is thrown is a programmer's error and keeps its stack.
 */
export class AppError extends Error {
  readonly code: string;
  /** Whether trying again later, unchanged, can succeed. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The message of whatever was thrown, for a log line or a sentence. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
