import { Option } from 'commander';
import type { Command } from 'commander';
import { displaySettings, displayValue, settingDefinitions } from '../../runtime/settings.js';
import type { SettingName, Settings } from '../../runtime/settings.js';
import { findRunningSettings } from '../instance.js';
import { findMisspelt } from '../misspelt-settings.js';
import { addSettingFlags, flagOf, givenFlags, readSettings } from '../settings-flags.js';
import { formatSettingsReference, referenceLanguages } from '../settings-reference.js';
import type { ReferenceLanguage } from '../settings-reference.js';
import { formatPairs, formatTable, shortPath } from '../terminal/table.js';

/** `campus config` */
export function addConfigCommand(program: Command): void {
  const command = program
    .command('config')
    .description(
      'Checks the settings of this shell, which "campus up" would start with, and prints them; below, what a pipeline ' +
        'that runs was started with, where that differs. A flag goes before the environment variable of the same name, ' +
        'which goes before the default. Secrets are shown as ***.',
    )
    .option('--json', 'print one JSON object')
    .addOption(
      new Option('--markdown [language]', 'print the reference of all settings, whatever they are set to')
        .choices(referenceLanguages)
        .preset('en'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus config\n  $ MQTT_PORT=1884 campus config --json\n  $ campus config --markdown zh',
    );
  addSettingFlags(command).action((options: Record<string, unknown>) => {
    if (options.markdown !== undefined) {
      console.log(formatSettingsReference(options.markdown as ReferenceLanguage));
      return;
    }
    const settings = readSettings(options);
    if (options.json === true) {
      console.log(JSON.stringify(shown(settings), null, 2));
      return;
    }
    console.log(table(settings, options));
    for (const sentence of findMisspelt(process.env)) console.log(`! ${sentence}`);
    console.log(describeRunning(settings, findRunningSettings(options)));
  });
}

function shown(settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    names().map((name) => {
      const value = settings[name];
      return [
        name,
        value !== undefined && 'secret' in settingDefinitions[name]
          ? displayValue(name, value)
          : (value ?? null),
      ];
    }),
  );
}

function table(settings: Settings, options: Record<string, unknown>): string {
  const flags = givenFlags(options);
  const source = (name: SettingName) => {
    if (flags[name] !== undefined) return `(from ${flagOf(name)})`;
    return (process.env[name] ?? '') === '' ? '' : '(from the environment)';
  };
  return formatTable(
    ['Setting', 'Value', 'Meaning'],
    names().map((name) => [
      name,
      `${displayValue(name, settings[name])} ${source(name)}`.trim(),
      settingDefinitions[name].help.en,
    ]),
  );
}

function describeRunning(settings: Settings, running: ReturnType<typeof findRunningSettings>): string {
  const here = 'These are the settings of this shell, which "campus up" would start with.';
  if (running === undefined) return here;
  const own = displaySettings(settings);
  const folder = shortPath(running.folder);
  const differing = names().filter(
    (name) => name !== 'DATA_DIR' && (running.settings[name] ?? '') !== own[name],
  );
  if (differing.length === 0) return `${here} The pipeline that runs on ${folder} was started with the same.`;
  const pairs = differing.map((name) => [name, running.settings[name] || '(unset)'] as const);
  return `${here} The pipeline that runs on ${folder} was started with others:\n${formatPairs(pairs)}`;
}

function names(): SettingName[] {
  return Object.keys(settingDefinitions) as SettingName[];
}
