import pino from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

/** Structured JSON log lines of one role on standard error; fields that carry secrets are removed. */
export function createLogger(role: string, level: string): Logger {
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: ['password', 'secret', 'token', '*.password', '*.secret', '*.token'], remove: true },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
