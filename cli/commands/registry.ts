import type { Command } from 'commander';
import { Argument, InvalidArgumentError, Option } from 'commander';
import { loadRegistry } from '../../devices/redis-registry-snapshot.js';
import { removableKinds, removeRecords } from '../../devices/remove-records.js';
import type { RemovableKind } from '../../devices/remove-records.js';
import { diffRegistries } from '../../devices/tables/diff-registries.js';
import { writtenEncodings } from '../../devices/tables/encode-text.js';
import type { WrittenEncoding } from '../../devices/tables/encode-text.js';
import { planImport } from '../../devices/tables/plan-import.js';
import { AppError } from '../../runtime/app-error.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { createDemoRegistry } from '../../simulators/city/demo-registry.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { changeRegistry } from '../registry/change-registry.js';
import { countChanges, formatChanges, formatProblems } from '../registry/format-changes.js';
import { listableKinds, listRecords } from '../registry/list-records.js';
import type { ListableKind } from '../registry/list-records.js';
import { describeEntry, findEntry } from '../registry/show-entry.js';
import { readTableFiles, writeTableFiles } from '../registry/table-files.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatCount } from '../terminal/format-count.js';
import { formatTable } from '../terminal/table.js';

interface ImportOptions extends Record<string, unknown> {
  readonly dryRun?: boolean;
  readonly removeMissing?: boolean;
  readonly json?: boolean;
}

interface DemoOptions {
  readonly campuses: number;
  readonly seed: number;
  readonly out: string;
  readonly encoding: WrittenEncoding;
}

// A whole city is written in one transaction.
const timeoutMs = 60_000;

/** `campus registry import|export|list|show|remove|demo` */
export function addRegistryCommand(program: Command): void {
  const registry = program.command('registry');
  addImport(registry);
  addExport(registry);
  addList(registry);
  addShow(registry);
  addRemove(registry);
  addDemo(registry);
}

function addImport(registry: Command): void {
  const command = registry
    .command('import <path...>')
    .summary('take over CSV files, or say all that is wrong with them')
    .description(
      'Reads CSV files (or folders of them): sites, rooms, timetable, devices, told apart by their header, with\n' +
        'English or Chinese column names, in UTF-8 or GB18030, separated by commas, semicolons or tabs. Rows are added\n' +
        'or change what is registered; columns that a file lacks stay as they are; the rows of a site in a timetable\n' +
        'are its whole timetable. Everything takes effect at once, or, with a single mistake, nothing does.',
    )
    .option('--dry-run', 'only show what would be added, changed and removed')
    .option(
      '--remove-missing',
      'also remove what the files do not name: sites (with all that is theirs) where a table of sites is given, ' +
        'else at the sites that a table names',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus registry import my-city/ --dry-run\n  $ campus registry import devices.csv --json',
    );
  addSettingFlags(command, instanceSettings).action(async (paths: string[], options: ImportOptions) => {
    const { redisUrl } = findInstance(options);
    const files = await readTableFiles(paths);
    const plan = await withRegistry(redisUrl, (redis) =>
      changeRegistry(redis, (current) => {
        const planned = planImport(current, files, { removeMissing: options.removeMissing });
        return { ...planned, after: options.dryRun === true ? undefined : planned.after };
      }),
    );
    const applied = plan.after !== undefined;
    const { problems, changes } = plan;
    if (problems.length > 0) process.exitCode = 1;
    if (options.json === true) {
      console.log(JSON.stringify({ applied, counts: countChanges(changes), problems, changes }));
    } else if (problems.length > 0) {
      console.log(
        `${formatProblems(problems)}\n${formatCount(problems.length, 'problem')}: nothing was changed.`,
      );
    } else {
      const end = applied ? 'Done.' : 'Nothing was changed (--dry-run).';
      console.log(
        changes.length === 0 ? 'All of it is registered already.' : `${formatChanges(changes)}\n${end}`,
      );
    }
  });
}

function addExport(registry: Command): void {
  const command = registry
    .command('export <folder>')
    .summary('write sites.csv, rooms.csv, timetable.csv and devices.csv')
    .addOption(encodingOption())
    .option('--json', 'print a JSON array of the files')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus registry export my-city\n  $ campus registry export my-city --encoding gb18030',
    );
  addSettingFlags(command, instanceSettings).action(
    async (folder: string, options: { json?: boolean; encoding: WrittenEncoding }) => {
      const { redisUrl } = findInstance({ ...options });
      const { registry: current } = await withRegistry(redisUrl, loadRegistry);
      const files = await writeTableFiles(current, folder, options.encoding);
      console.log(options.json === true ? JSON.stringify(files) : files.join('\n'));
    },
  );
}

function addList(registry: Command): void {
  const command = registry
    .command('list')
    .addArgument(new Argument('<what>', 'what to list').choices(listableKinds))
    .summary('list sites, rooms or devices')
    .option('--site <id>', 'only those of a site')
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus registry list sites\n  $ campus registry list devices --site school-1 --json',
    );
  addSettingFlags(command, instanceSettings).action(
    async (kind: ListableKind, options: { site?: string; json?: boolean }) => {
      const { redisUrl } = findInstance({ ...options });
      const { registry: current } = await withRegistry(redisUrl, loadRegistry);
      const { records, head, rows } = listRecords(current, kind, options.site);
      if (options.json === true) console.log(JSON.stringify(records));
      else if (rows.length === 0) console.log(`No ${kind} are registered.`);
      else console.log(formatTable(head, rows));
    },
  );
}

function addShow(registry: Command): void {
  const command = registry
    .command('show <id>')
    .summary('show a site or a device, and what it is connected to')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus registry show school-1\n  $ campus registry show ap-101 --json',
    );
  addSettingFlags(command, instanceSettings).action(async (id: string, options: { json?: boolean }) => {
    const { settings, redisUrl } = findInstance({ ...options });
    const entry = await withRegistry(redisUrl, async (redis) => {
      const [{ registry: current }, clock] = [await loadRegistry(redis), await loadClock(redis)];
      return findEntry(current, id, clock.now(), settings.TIMEZONE);
    });
    console.log(options.json === true ? JSON.stringify(entry) : describeEntry(entry));
  });
}

function addRemove(registry: Command): void {
  const command = registry
    .command('remove')
    .addArgument(new Argument('<what>', 'what it is').choices(removableKinds))
    .argument('<id...>', 'ids; a room is named site/room')
    .summary('remove sites, rooms or devices')
    .description(
      'Removes them from the registry. A removed device is disconnected and its password ends. What it sent before\n' +
        'stays stored.',
    )
    .option('--recursive', 'a site with its rooms, timetable and devices')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus registry remove device ap-101 ap-102\n  $ campus registry remove site school-1 --recursive',
    );
  addSettingFlags(command, instanceSettings).action(
    async (kind: RemovableKind, ids: string[], options: { recursive?: boolean; json?: boolean }) => {
      const { redisUrl } = findInstance({ ...options });
      const { changes } = await withRegistry(redisUrl, (redis) =>
        changeRegistry(redis, (current) => {
          const removal = removeRecords(current, kind, ids, options.recursive === true);
          if ('problems' in removal) throw new AppError('not_removed', removal.problems.join('\n'));
          return { after: removal.after, changes: diffRegistries(current, removal.after) };
        }),
      );
      console.log(
        options.json === true
          ? JSON.stringify({ counts: countChanges(changes), changes })
          : formatChanges(changes),
      );
    },
  );
}

function addDemo(registry: Command): void {
  registry
    .command('demo')
    .summary('write the CSV files of a made-up city')
    .description(
      'Writes the four tables of a city of campuses with 50 rooms, 172 devices (50 sensors, 50 whiteboards, 70 access\n' +
        'points, 2 gateways) and a timetable each. The same numbers give the same files. Needs no running pipeline.',
    )
    .requiredOption('--out <folder>', 'where to write them')
    .option('--campuses <n>', 'how many campuses', readCount, 100)
    .option('--seed <n>', 'another number, another city', readCount, 7)
    .addOption(encodingOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ campus registry demo --campuses 100 --out var/demo-city && campus registry import var/demo-city',
    )
    .action(async ({ campuses, seed, out, encoding }: DemoOptions) => {
      const files = await writeTableFiles(createDemoRegistry({ campuses, seed }), out, encoding);
      console.log(files.join('\n'));
    });
}

function encodingOption(): Option {
  return new Option('--encoding <encoding>', 'of the files').choices(writtenEncodings).default('utf-8');
}

function withRegistry<T>(redisUrl: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  return withRedis(redisUrl, work, timeoutMs);
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw new InvalidArgumentError('It must be a whole number from 1 to 10000.');
  return count;
}
