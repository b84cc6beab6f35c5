import { join } from 'node:path';
import { allMqttAddresses } from '../runtime/mqtt-addresses.js';
import type { Settings } from '../runtime/settings.js';
import { displayUrl } from './instance.js';
import { findMisspelt } from './misspelt-settings.js';
import { watchStopSignals } from './stop-signals.js';
import { startPipeline } from './supervisor/start-pipeline.js';
import type { Pipeline } from './supervisor/start-pipeline.js';
import { createSteps } from './terminal/steps.js';
import type { Steps } from './terminal/steps.js';
import { formatPairs, shortPath } from './terminal/table.js';

/** What to do with a pipeline while it runs; ends by itself or when the signal says so. */
export type Meanwhile = (pipeline: Pipeline, steps: Steps, stop: AbortSignal) => Promise<void>;

/** Runs a pipeline in this terminal until Ctrl-C or SIGTERM, which end it in order; a second one at once. */
export async function runPipeline(
  settings: Settings,
  tryNext: readonly string[],
  meanwhile?: Meanwhile,
): Promise<void> {
  const steps = createSteps();
  for (const sentence of findMisspelt(process.env)) steps.note(`! ${sentence}`);
  const startedAt = Date.now();
  const { stop, force } = watchStopSignals();
  force.addEventListener('abort', () => {
    steps.note('Stopped at once. What was acknowledged is on disk.');
    // After `startPipeline`, which listens too, has killed the children.
    setImmediate(() => process.exit(1));
  });
  let pipeline: Pipeline;
  try {
    pipeline = await startPipeline(settings, { steps, signal: stop, force });
  } catch (error) {
    if (!stop.aborted) throw error;
    steps.note('Stopped while starting.');
    return;
  }
  steps.note(`\nReady after ${((Date.now() - startedAt) / 1000).toFixed(1)} s.\n`);
  steps.note(`${summary(pipeline, tryNext)}\n`);
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve());
  });
  try {
    await meanwhile?.(pipeline, steps, stop);
    await stopped;
  } finally {
    steps.note('\nStopping in order; press Ctrl-C again to stop at once.');
    await pipeline.stop();
    steps.note('Stopped. Everything acknowledged is on disk; the next start goes on from here.');
  }
}

function summary({ settings, clock }: Pipeline, tryNext: readonly string[]): string {
  const mail =
    settings.SMTP_URL === undefined
      ? `${shortPath(join(settings.DATA_DIR, 'outbox'))}/*.eml (set SMTP_URL and MAIL_TO to send)`
      : `${displayUrl(settings.SMTP_URL)} to ${settings.MAIL_TO ?? ''}`;
  return formatPairs([
    ...allMqttAddresses(settings).map(({ url }, i) => [i === 0 ? 'MQTT' : '', url] as const),
    ['HTTP', `http://${settings.HTTP_HOST}:${settings.HTTP_PORT}`],
    ['InfluxDB', `${displayUrl(settings.INFLUX_URL)}, database ${settings.INFLUX_BUCKET}`],
    ['Redis', displayUrl(settings.REDIS_URL)],
    ['Mail', mail],
    ['Data folder', shortPath(settings.DATA_DIR)],
    ...(clock.spec.kind === 'simulated'
      ? [['Clock', `simulated, ${clock.spec.speed} times as fast as the wall clock`] as const]
      : []),
    ...tryNext.map((line, i) => [i === 0 ? 'Try next' : '', line] as const),
  ]);
}
