import type { Command } from 'commander';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { mqttAddresses, plainAddress } from '../../runtime/mqtt-addresses.js';
import { demoOrigin, demoSpeed, playDemo } from '../../simulators/demo.js';
import { watchDemo } from '../demo/watch-demo.js';
import { demoDataFolder, mqttUrl } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { runPipeline } from '../run-pipeline.js';
import { addSettingFlags, readSettings } from '../settings-flags.js';
import type { Pipeline } from '../supervisor/start-pipeline.js';
import { shortPath } from '../terminal/table.js';

const defaults = { DATA_DIR: demoDataFolder, SIM_SPEED: String(demoSpeed), SIM_ORIGIN: demoOrigin };

/** `campus demo` */
export function addDemoCommand(program: Command): void {
  const command = program
    .command('demo')
    .description(
      'Starts the pipeline as "campus up" does, on a simulated clock and with a data folder of its own ' +
        `(${demoDataFolder}), and plays recorded classrooms as the sensors of three campuses. Ctrl-C stops it; the next ` +
        'demo goes on from there.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus demo\n  $ campus demo --sim-speed 600 --mqtt-port 1884 --http-port 8081',
    );
  addSettingFlags(command, undefined, defaults).action(async (options: Record<string, unknown>) => {
    const settings = readSettings(options, defaults);
    const where = `--data-dir ${shortPath(settings.DATA_DIR)}`;
    const tryNext = [
      ...['status', 'alarms --all', 'ledger'].map((verb) => `npx campus ${verb} ${where}`),
      `open ${settings.SMTP_URL === undefined ? 'a mail of the outbox folder' : 'the mails'}`,
    ];
    await runPipeline(settings, tryNext, async (pipeline, steps, stop) => {
      steps.note(
        "At night and at the weekend of the demo's clock the rooms are empty, and no alarm is due.\n",
      );
      // Either one failing ends the other.
      const failed = new AbortController();
      const ended = AbortSignal.any([stop, failed.signal]);
      await Promise.all(
        [play(pipeline, ended), watchDemo(pipeline, steps, ended)].map((part) =>
          part.catch((error: unknown) => {
            failed.abort();
            throw error;
          }),
        ),
      );
    });
  });
}

function play({ settings, clock }: Pipeline, signal: AbortSignal): Promise<void> {
  return playDemo({
    mqttUrl: mqttUrl(plainAddress(mqttAddresses(settings))),
    clock,
    signal,
    credentials: (device) =>
      withRedis(settings.REDIS_URL, (redis) => issueCredentials(redis, { ...device, deviceClass: 'sensor' })),
  });
}
