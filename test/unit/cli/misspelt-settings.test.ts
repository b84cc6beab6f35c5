import { expect, it } from 'vitest';
import { findMisspelt } from '../../../cli/misspelt-settings.js';

it.each([
  ['MQTT_PROT', 'MQTT_PORT'],
  ['mqtt_port', 'MQTT_PORT'],
  ['SMTP_URI', 'SMTP_URL'],
  ['MQTT_TLS_PRT', 'MQTT_TLS_PORT'],
])('%s is taken for %s', (name, meant) => {
  expect(findMisspelt({ [name]: 'x' })).toEqual([
    `The environment variable ${name} is no setting and is ignored. Did you mean ${meant}?`,
  ]);
});

it.each([
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'REDIS_HOST',
  'REDIS_PORT',
  'INFLUX_HOST',
  'SMTP_HOST',
  'SMTP_PORT',
  'MAIL',
  'XDG_DATA_DIRS',
  'LOGNAME',
  'NODE_ENV',
  'MQTT_USER',
  'MQTT_PORT',
])('%s is left alone', (name) => {
  expect(findMisspelt({ [name]: 'x' })).toEqual([]);
});

it('says nothing where the right one is set, too', () => {
  expect(findMisspelt({ HTTPS_PORT: '443', HTTP_PORT: '8080' })).toEqual([]);
});
