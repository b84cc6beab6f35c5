import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../runtime/app-error.js';
import { displayValue, parseSettings, settingsToEnv } from '../../../runtime/settings.js';

describe('settings', () => {
  it('have a default for everything that a bare start needs', () => {
    const settings = parseSettings({});
    expect(settings.MQTT_PORT).toBe(1883);
    expect(settings.DATA_DIR).toBe(resolve('var'));
    expect(settings.REDIS_URL).toBeUndefined();
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it('take a flag before an environment variable, and an empty variable as unset', () => {
    const settings = parseSettings({ MQTT_PORT: '1884', HTTP_PORT: '' }, { MQTT_PORT: '1885' });
    expect(settings.MQTT_PORT).toBe(1885);
    expect(settings.HTTP_PORT).toBe(8080);
  });

  it('pass through the environment of a child unchanged', () => {
    const settings = parseSettings({
      ALLOW_VOLATILE_REDIS: 'true',
      SMTP_URL: 'smtp://mail.example.org',
      MAIL_TO: 'ops@example.org',
      SIM_SPEED: '60',
      SIM_ORIGIN: '2026-03-02T08:00:00+08:00',
    });
    expect(parseSettings(settingsToEnv(settings))).toEqual(settings);
  });

  it.each([
    [{ MQTT_PORT: '99999' }, 'MQTT_PORT=99999'],
    [{ MQTT_PORT: 'mqtt' }, 'MQTT_PORT=mqtt'],
    [{ MQTT_PORT: '0' }, 'no MQTT listener'],
    [{ MQTT_TLS_PORT: '8883', MQTT_TLS_CERT: 'a.crt' }, 'MQTT_TLS_KEY is not'],
    [{ REDIS_URL: 'localhost:6379' }, 'redis://'],
    [{ INFLUX_URL: 'redis://localhost' }, 'http://'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL=loud'],
    [{ TIMEZONE: 'Mars/Olympus' }, 'IANA time zone'],
    [{ SIM_SPEED: '-1' }, 'SIM_SPEED=-1'],
    [{ SIM_SPEED: '60', SIM_ORIGIN: 'yesterday' }, 'SIM_ORIGIN=yesterday'],
    [{ SIM_ORIGIN: '2026-03-02T08:00:00+08:00' }, 'SIM_SPEED is not'],
    [{ SMTP_URL: 'smtp://mail.example.org' }, 'MAIL_TO is not'],
    [{ MAIL_MIN_SEVERITY: 'severe' }, 'MAIL_MIN_SEVERITY=severe'],
    [{ MQTT_PORT: 'abc' }, 'MQTT_PORT=abc must be a port number, 1 to 65535'],
    [{ MAIL_FROM: 'xx' }, 'MAIL_FROM=xx must be a mail address such as'],
    [{ LOG_LEVEL: 'loud' }, 'must be one of fatal, error, warn'],
    [{ ALLOW_VOLATILE_REDIS: 'maybe' }, 'must be 0, 1, true or false'],
    [{ LOG_SHARDS: '300' }, 'must be a whole number, 1 to 256'],
    [{ COMMAND_HISTORY_DAYS: '0' }, 'must be a number of days above 0'],
    [{ MQTT_PORT: '8080' }, 'MQTT_PORT and HTTP_PORT are both 8080'],
    [{ MQTT_WS_PORT: '1883' }, 'MQTT_PORT and MQTT_WS_PORT are both 1883'],
    [{ MQTT_PORT: '8080', HTTP_HOST: '0.0.0.0' }, 'are both 8080'],
  ])('refuse %o in one sentence that says what is wrong', (env, part) => {
    const parse = () => parseSettings(env);
    expect(parse).toThrow(AppError);
    expect(parse).toThrow(part);
    expect(parse).not.toThrow(/\n|Invalid|expected/);
  });

  it('take one port on two addresses', () => {
    const { HTTP_PORT } = parseSettings({ MQTT_PORT: '8080', HTTP_HOST: '10.0.0.1' });
    expect(HTTP_PORT).toBe(8080);
  });

  it('name every wrong value at once', () => {
    expect(() => parseSettings({ MQTT_PORT: '-1', HTTP_PORT: 'x' })).toThrow(/HTTP_PORT=x.*MQTT_PORT=-1/);
  });

  it('never show a secret, also not in the sentence about a wrong one', () => {
    expect(displayValue('INFLUX_TOKEN', 'hidden')).toBe('***');
    expect(displayValue('INFLUX_TOKEN', 'user:hidden')).toBe('***');
    expect(displayValue('REDIS_URL', 'redis://user:hidden@host:6379')).not.toContain('hidden');
    expect(() => parseSettings({ REDIS_URL: 'user:hidden@host' })).not.toThrow('hidden');
  });
});
