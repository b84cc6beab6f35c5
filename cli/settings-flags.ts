import { Option } from 'commander';
import type { Command } from 'commander';
import { AppError } from '../runtime/app-error.js';
import { parseSettings, settingDefinitions } from '../runtime/settings.js';
import type { SettingName, Settings } from '../runtime/settings.js';
import { findMisspelt } from './misspelt-settings.js';

const allNames = Object.keys(settingDefinitions) as SettingName[];

/** Settings that lead a verb to a running instance. */
export const instanceSettings: readonly SettingName[] = ['DATA_DIR', 'REDIS_URL'];

/**
 * Gives the command a flag for each of the settings: `MQTT_PORT` becomes `--mqtt-port`.
 * @param defaults those of the verb, where they are others than the settings' own
 */
export function addSettingFlags(
  command: Command,
  names: readonly SettingName[] = allNames,
  defaults: Partial<Record<SettingName, string>> = {},
): Command {
  for (const name of names) {
    const { schema, help } = settingDefinitions[name];
    const fallback: unknown = schema.safeParse(undefined).data;
    const value = typeof fallback === 'boolean' ? '[0|1]' : '<value>';
    const option = new Option(
      `${flagOf(name)} ${value}`,
      describe(name, help.en, defaults[name] ?? fallback),
    );
    command.addOption(option.helpGroup('Settings (each is an environment variable, too):'));
  }
  return command;
}

/** The flags given, by the name of their setting. */
export function givenFlags(options: Readonly<Record<string, unknown>>): Partial<Record<SettingName, string>> {
  const flags: Partial<Record<SettingName, string>> = {};
  for (const name of allNames) {
    const value = options[optionKey(name)];
    if (typeof value === 'string') flags[name] = value;
    // A switch without a value.
    else if (value === true) flags[name] = '1';
  }
  return flags;
}

/**
 * The settings of this process: flags before environment variables before `defaults`.
 * @throws AppError `bad_setting`
 */
export function readSettings(
  options: Readonly<Record<string, unknown>>,
  defaults: Partial<Record<SettingName, string>> = {},
): Settings {
  const given = Object.entries(process.env).filter(([, value]) => value !== '');
  try {
    return parseSettings({ ...defaults, ...Object.fromEntries(given) }, givenFlags(options));
  } catch (error) {
    // What is told once it starts would only come to light with the next try.
    const misspelt = findMisspelt(process.env);
    if (!(error instanceof AppError) || misspelt.length === 0) throw error;
    throw new AppError(error.code, [error.message, ...misspelt].join('\n        '), { cause: error });
  }
}

/** `MQTT_PORT` → `--mqtt-port` */
export function flagOf(name: SettingName): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`;
}

function optionKey(name: SettingName): string {
  return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function describe(name: SettingName, help: string, fallback: unknown): string {
  const known = typeof fallback === 'string' || typeof fallback === 'number';
  return `${help} [${name}${known ? `, default ${fallback}` : ''}]`;
}
