import type { Command } from 'commander';
import { readDeviceLedger, readLedger } from '../../ingest/ledger/redis-ledger.js';
import { AppError } from '../../runtime/app-error.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatPairs } from '../terminal/table.js';

/** `campus ledger [DEVICE]` */
export function addLedgerCommand(program: Command): void {
  const command = program
    .command('ledger [device]')
    .description(
      'The delivery ledger of the pipeline or of one device: ' +
        'received = written + quarantined + expired + duplicates + pending. Expired are the oldest of the quarantine, which\nleft it when it was full. Gaps and late readings are counted beside it;\n' +
        'unaccounted is not 0 only when something is wrong. A device has no pending: the log is kept by site, and\n' +
        'what is still in it counts for its device once it is settled, within a second or two.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ campus ledger\n  $ campus ledger co2-101 --json');
  addSettingFlags(command, instanceSettings).action(
    async (device: string | undefined, options: Record<string, unknown>) => {
      const { redisUrl } = findInstance(options);
      const counts = await withRedis(redisUrl, async (redis) =>
        device === undefined ? readLedger(redis) : readDeviceLedger(redis, device),
      );
      if (counts === undefined) {
        throw new AppError(
          'no_ledger',
          `Nothing of device "${device ?? ''}" was settled yet: check its id, or wait a moment.`,
        );
      }
      const rows = Object.entries(counts).map(([name, count]) => [name, String(count)] as const);
      console.log(options.json === true ? JSON.stringify(counts) : formatPairs(rows));
    },
  );
}
