import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { settingDefinitions } from '../../../runtime/settings.js';
import { addSettingFlags, flagOf, readSettings } from '../../../cli/settings-flags.js';
import type { SettingName } from '../../../runtime/settings.js';

function parse(...args: string[]): Record<string, unknown> {
  const command = addSettingFlags(new Command().exitOverride());
  return command.parse(args, { from: 'user' }).opts();
}

describe('setting flags', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('exist for every setting', () => {
    const help = addSettingFlags(new Command()).helpInformation();
    for (const name of Object.keys(settingDefinitions)) expect(help).toContain(flagOf(name as SettingName));
  });

  it('go before the environment, which goes before the defaults of the verb', () => {
    vi.stubEnv('MQTT_PORT', '1884');
    vi.stubEnv('HTTP_PORT', '8081');
    vi.stubEnv('DATA_DIR', '');
    const settings = readSettings(parse('--mqtt-port', '1885'), {
      HTTP_PORT: '9',
      MQTT_PORT: '9',
      DATA_DIR: '/demo',
    });
    expect([settings.MQTT_PORT, settings.HTTP_PORT, settings.DATA_DIR]).toEqual([1885, 8081, '/demo']);
  });

  it('take a switch with and without a value', () => {
    expect(readSettings(parse('--allow-volatile-redis')).ALLOW_VOLATILE_REDIS).toBe(true);
    expect(readSettings(parse('--allow-volatile-redis', '0')).ALLOW_VOLATILE_REDIS).toBe(false);
    expect(readSettings(parse()).ALLOW_VOLATILE_REDIS).toBe(false);
  });
});
