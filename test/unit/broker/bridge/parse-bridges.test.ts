import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { parseBridges } from '../../../../broker/bridge/parse-bridges.js';
import { loadProfiles } from '../../../../devices/profiles/load-profiles.js';

const profiles = await loadProfiles();
const parse = (text: string) => parseBridges('bridges.yaml', text, profiles);
const mistakes = (text: string): string[] => {
  try {
    parse(text);
    return [];
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
};

const good = `
- name: ward-a
  url: mqtts://broker.example:8883
  mqtt: 5
  username: campus
  passwordEnv: WARD_A
  share: campus
  subscriptions:
    - profile: zigbee2mqtt
      site: school-7
      prefix: z2m-
      devices: { Room 101: co2-101 }
    - topics: [pjlink/+]
      profile: pjlink
      site: school-7
      qos: 0
`;

test('a bridge is read with what its profiles say of themselves', () => {
  expect(parse(good)).toMatchObject([
    {
      name: 'ward-a',
      clientId: `campus-bridge-ward-a-${hostname()}`,
      mqtt: 5,
      subscriptions: [
        { topics: ['zigbee2mqtt/#'], deviceClass: 'sensor', prefix: 'z2m-', qos: 1 },
        { topics: ['pjlink/+'], deviceClass: 'whiteboard', qos: 0 },
      ],
    },
  ]);
});

test('the site of a subscription to another campus broker stands in its topics', () => {
  const [bridge] = parse(
    '- { name: a, url: "mqtt://b", subscriptions: [{ profile: campus, site: s1, class: sensor }] }',
  );
  expect(bridge?.clientId).toBe('campus-bridge-a');
  expect(bridge?.subscriptions[0]?.topics).toEqual(['campus/v1/s1/+/+/+']);
});

test('every mistake is named with line and column, and what to do', () => {
  expect(
    mistakes(good.replace('mqtts://broker.example:8883', 'mqtts://campus:hunter2@broker.example')),
  ).toEqual([
    'bridges.yaml:3:8: "url" must not hold a user name or password; use username: and passwordEnv: or passwordFile:.',
  ]);
  expect(mistakes(good.replace('profile: zigbee2mqtt', 'profile: zigbee'))).toEqual([
    'bridges.yaml:9:16: There is no profile "zigbee". Known are: campus, chirpstack, pjlink, senml, sparkplug, tasmota, ucentral, zigbee2mqtt.',
  ]);
  expect(mistakes(good.replace('qos: 0', 'qos: 2'))).toEqual([
    'bridges.yaml:16:12: "subscriptions.1.qos" must be 0 or 1.',
  ]);
  expect(mistakes(good.replace('share: campus', 'shared: campus'))[0]).toMatch(
    /^bridges.yaml:7:3: There is no key "shared"/,
  );
  expect(mistakes(good.replace('[pjlink/+]', '[pjlink/#/x]'))[0]).toMatch(
    /^bridges.yaml:13:16: "pjlink\/#\/x" is no topic filter/,
  );
  expect(
    mistakes(good.replace('profile: zigbee2mqtt', 'profile: sparkplug\n      class: sensor'))[0],
  ).toContain('no share');
  expect(mistakes(good.replace('prefix: z2m-', 'class: ap'))[0]).toContain('knows no ap');
  expect(mistakes(good + good)[0]).toContain('Another bridge has the name ward-a already');
  expect(mistakes('name: [')[0]).toMatch(/^bridges.yaml:1:/);
  expect(mistakes('')[0]).toContain('The file holds no bridges');
});
