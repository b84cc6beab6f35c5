import { isExpectedFailure } from './expected-failure.js';
import { createProgram } from './program.js';

// `campus ledger | head` closes our output: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  console.error(isExpectedFailure(error) ? `campus: ${error.message}` : error);
  process.exitCode = 1;
}
// Not waiting for idle connections to close, but for whoever reads our output: a pipe takes it in pieces, and
// what it has not taken would be lost.
await Promise.all([written(process.stdout), written(process.stderr)]);
process.exit();

function written(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => output.write('', () => resolve()));
}
