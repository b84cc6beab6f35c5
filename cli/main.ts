import { isExpectedFailure } from './expected-failure.js';
import { createProgram } from './program.js';

// `campus ledger | head` closes our output: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

try {
  await createProgram().parseAsync();
  // Not waiting for idle connections to close.
  process.exit();
} catch (error) {
  console.error(isExpectedFailure(error) ? `campus: ${error.message}` : error);
  process.exit(1);
}
