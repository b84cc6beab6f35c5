import { editDistance } from '../devices/did-you-mean.js';
import { settingDefinitions } from '../runtime/settings.js';
import type { SettingName } from '../runtime/settings.js';

/** So many letters may be wrong, not the first: HTTP_PROXY and SMTP_PORT are somebody else's. */
const mostWrong = 2;
/** With fewer letters too much is near. */
const leastLetters = 6;

/** Says of each variable of the environment that is nearly one of ours, and so is ignored, what was probably meant. */
export function findMisspelt(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = Object.keys(settingDefinitions) as SettingName[];
  return Object.keys(env).flatMap((name) => {
    if (name.length < leastLetters || name in settingDefinitions) return [];
    const meant = known
      .map((setting) => ({ setting, distance: editDistance(name.toUpperCase(), setting) }))
      .filter(({ setting, distance }) => distance <= mostWrong && setting[0] === name[0]?.toUpperCase())
      .sort((a, b) => a.distance - b.distance)[0];
    // What the nearest is set to was meant, and this is something else.
    if (meant === undefined || (env[meant.setting] ?? '') !== '') return [];
    return [`The environment variable ${name} is no setting and is ignored. Did you mean ${meant.setting}?`];
  });
}
