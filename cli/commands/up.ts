import type { Command } from 'commander';
import { isFoundWithoutFolder } from '../instance.js';
import { runPipeline } from '../run-pipeline.js';
import { addSettingFlags, readSettings } from '../settings-flags.js';
import { shortPath } from '../terminal/table.js';

/** `campus up` */
export function addUpCommand(program: Command): void {
  const command = program
    .command('up')
    .description(
      'Finds or starts Redis and InfluxDB, then runs the broker, ingest, alerts and the API, each as a process of ' +
        'its own that is started again when it dies. Ctrl-C stops everything in order; nothing is lost.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ campus up
  $ campus up --mqtt-port 1884 --http-port 8081 --data-dir var/second   # beside another one
  $ REDIS_URL=redis://10.0.0.5 INFLUX_URL=http://10.0.0.6:8086 INFLUX_TOKEN=... INFLUX_ORG=bureau campus up
  $ SMTP_URL=smtp://mail.example.org MAIL_TO=ops@example.org campus up`,
    );
  addSettingFlags(command).action(async (options: Record<string, unknown>) => {
    const settings = readSettings(options);
    const which = isFoundWithoutFolder(settings.DATA_DIR)
      ? ''
      : ` --data-dir ${shortPath(settings.DATA_DIR)}`;
    await runPipeline(settings, [
      `npx campus devices issue --site school-1 --class sensor --device co2-101${which}`,
      `npx campus status${which}`,
    ]);
  });
}
