import type { Command } from 'commander';
import { checkSamples } from '../../devices/profiles/check-samples.js';
import type { SampleResult } from '../../devices/profiles/check-samples.js';
import { findIn, findProfiles } from '../../devices/profiles/load-profiles.js';
import { ProfileError } from '../../devices/profiles/profile-error.js';
import { readSettings } from '../settings-flags.js';
import { formatCount } from '../terminal/format-count.js';
import { formatTable } from '../terminal/table.js';

/** `campus profiles list|check` */
export function addProfilesCommand(program: Command): void {
  const profiles = program.command('profiles').summary("what turns vendors' payloads into readings");

  profiles
    .command('list')
    .summary('list the shipped ones and those of PROFILES_DIR')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus profiles list')
    .action(async (options: { json?: boolean }) => {
      const all = (await findProfiles(readSettings({}).PROFILES_DIR)).map(({ profile }) => profile);
      const rows = all.map(({ name, topics, deviceClasses }) => ({ name, deviceClasses, topics }));
      if (options.json === true) console.log(JSON.stringify(rows));
      else {
        const cells = rows.map(({ name, deviceClasses, topics }) => [
          name,
          deviceClasses.join(', '),
          topics.join(', '),
        ]);
        console.log(formatTable(['Profile', 'Device classes', 'Topics'], cells));
      }
    });

  profiles
    .command('check <folder>')
    .summary('run the samples of your own profiles')
    .description(
      'Loads every profile of a folder (<name>/profile.js) and runs the samples beside it (samples.json): what is\n' +
        'in there must come to what they expect. Needs no running pipeline.',
    )
    .option('--json', 'print a JSON array of the samples')
    .addHelpText('after', '\nExample:\n  $ campus profiles check my-profiles')
    .action(async (folder: string, options: { json?: boolean }) => {
      const found = await findIn(folder);
      if (found.length === 0) throw new ProfileError(`${folder} holds no <name>/profile.js.`);
      const results = (await Promise.all(found.map(checkSamples))).flat();
      if (options.json === true) console.log(JSON.stringify(results));
      else for (const result of results) console.log(describe(result));
      const failed = results.filter(({ passed }) => !passed).length;
      if (failed > 0)
        throw new ProfileError(`${failed} of ${results.length} samples come to something else.`);
      if (options.json !== true) console.log(`${formatCount(results.length, 'sample')}, all as expected.`);
    });
}

function describe({ profile, sample, passed, got, expected, details }: SampleResult): string {
  if (passed) return `ok      ${profile}: ${sample}`;
  return [
    `not ok  ${profile}: ${sample}`,
    `  got      ${JSON.stringify(got)}`,
    `  expected ${JSON.stringify(expected)}`,
    ...details.map((detail) => `  because  ${detail}`),
  ].join('\n');
}
