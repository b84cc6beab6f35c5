/** What the person at the terminal asks for. */
export interface StopRequests {
  /** Aborted at the first Ctrl-C, SIGTERM or SIGHUP: stop in order. */
  readonly stop: AbortSignal;
  /** Aborted at a second one: stop at once. */
  readonly force: AbortSignal;
}

// npm passes Ctrl-C on to a program that has it from the terminal already: one press, two signals.
const echoMs = 1000;

/** Listens for what ends this process from now on: signals, and an output that nobody reads any more. */
export function watchStopSignals(): StopRequests {
  const stop = new AbortController();
  const force = new AbortController();
  let firstAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!stop.signal.aborted) {
        firstAt = Date.now();
        stop.abort();
      } else if (Date.now() - firstAt > echoMs) force.abort();
    });
  }
  // A terminal that is closed, or `| head`: whoever runs processes ends them in order instead of leaving them.
  for (const output of [process.stdout, process.stderr]) {
    output.removeAllListeners('error').on('error', () => stop.abort());
  }
  return { stop: stop.signal, force: force.signal };
}
