import { resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from './app-error.js';
import { assertGoTogether } from './settings/assert-go-together.js';
import { clientLimitSettings } from './settings/client-limit-settings.js';
import { commandSettings } from './settings/command-settings.js';
import { incidentSettings } from './settings/incident-settings.js';
import { instanceSettings } from './settings/instance-settings.js';
import { listenerSettings } from './settings/listener-settings.js';
import { loginSettings } from './settings/login-settings.js';
import { mailSettings } from './settings/mail-settings.js';
import { readingSettings } from './settings/reading-settings.js';
import type { SettingArea, Words } from './settings/setting-definition.js';
import { storeSettings } from './settings/store-settings.js';

/** Every setting there is, by the name of its environment variable. */
export const settingDefinitions = {
  ...instanceSettings,
  ...listenerSettings,
  ...clientLimitSettings,
  ...loginSettings,
  ...storeSettings,
  ...readingSettings,
  ...commandSettings,
  ...incidentSettings,
  ...mailSettings,
} as const;

/** The same, by what they are about. */
export const settingAreas: readonly { readonly title: Words; readonly settings: SettingArea }[] = [
  { title: { en: 'The instance', zh: '实例' }, settings: instanceSettings },
  { title: { en: 'Listeners', zh: '监听' }, settings: listenerSettings },
  { title: { en: 'Limits of clients', zh: '客户端限制' }, settings: clientLimitSettings },
  { title: { en: 'Logins', zh: '登录' }, settings: loginSettings },
  { title: { en: 'Redis and InfluxDB', zh: 'Redis 与 InfluxDB' }, settings: storeSettings },
  { title: { en: 'Readings and rules', zh: '读数与规则' }, settings: readingSettings },
  { title: { en: 'Commands', zh: '命令' }, settings: commandSettings },
  { title: { en: 'Alarms and incidents', zh: '告警与事件' }, settings: incidentSettings },
  { title: { en: 'Mail', zh: '邮件' }, settings: mailSettings },
];

export type SettingName = keyof typeof settingDefinitions;

const schema = z.object(
  Object.fromEntries(
    Object.entries(settingDefinitions).map(([name, { schema: check }]) => [name, check]),
  ) as {
    [Name in SettingName]: (typeof settingDefinitions)[Name]['schema'];
  },
);

/** All settings of one process: checked, with defaults, frozen. `DATA_DIR` is absolute. */
export type Settings = Readonly<z.infer<typeof schema>>;

/**
 * Reads the settings from environment variables, overridden by command-line flags. Variables that are
 * not settings are ignored; an empty one counts as unset.
 * @throws AppError `bad_setting` naming every setting that is wrong and why.
 */
export function parseSettings(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Partial<Record<SettingName, string>>> = {},
): Settings {
  const given: Record<string, string> = {};
  for (const name of Object.keys(settingDefinitions)) {
    const value = flags[name as SettingName] ?? env[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const result = schema.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const name = String(issue.path[0]) as SettingName;
      return `${name}=${displayValue(name, given[name])} ${issue.message}`;
    });
    throw new AppError('bad_setting', `Wrong setting: ${problems.join('; ')}. See "campus config --help".`);
  }
  const settings = result.data;
  assertGoTogether(settings);
  return Object.freeze({ ...settings, DATA_DIR: resolve(settings.DATA_DIR) });
}

/** The environment that makes another process parse the same settings. */
export function settingsToEnv(settings: Settings): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) env[name] = value === true ? '1' : value === false ? '0' : String(value);
  }
  return env;
}

/** All settings as they may be shown, by name; one that is unset is empty. */
export function displaySettings(settings: Settings): Record<SettingName, string> {
  const names = Object.keys(settingDefinitions) as SettingName[];
  const shown = names.map((name) => [name, displayValue(name, settings[name])]);
  return Object.fromEntries(shown) as Record<SettingName, string>;
}

/** A setting's value as it may be shown: secrets and passwords in URLs are replaced by `***`. */
export function displayValue(name: SettingName, value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  const text = String(value);
  if (!('secret' in settingDefinitions[name])) return text;
  // "user:password", which InfluxDB 1.x takes for a token, parses as a URL, too: one without a host.
  if (!URL.canParse(text) || new URL(text).host === '') return '***';
  const parsed = new URL(text);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.toString();
}
