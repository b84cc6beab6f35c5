import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkSamples } from '../../../devices/profiles/check-samples.js';
import { findIn, findProfiles } from '../../../devices/profiles/load-profiles.js';

const found = await findProfiles();

test('the shipped profiles are found by their folders', () => {
  expect(found.map(({ profile }) => profile.name)).toEqual([
    'campus',
    'chirpstack',
    'pjlink',
    'senml',
    'sparkplug',
    'tasmota',
    'ucentral',
    'zigbee2mqtt',
  ]);
});

describe.each(found.map((one) => [one.profile.name, one] as const))('profile %s', (_name, one) => {
  test('its samples come to what they should, and some of them are malformed', async () => {
    const results = await checkSamples(one);
    for (const { sample, got, expected } of results)
      expect({ sample, got }).toEqual({ sample, got: expected });
    expect(results.some(({ rejects }) => rejects)).toBe(true);
    expect(results.some(({ rejects }) => !rejects)).toBe(true);
  });
});

test("no address of anybody's phone leaves a uCentral state, whole or cut off", () => {
  const ucentral = found.find(({ profile }) => profile.name === 'ucentral')?.profile;
  const state = {
    state: {
      unit: {},
      interfaces: [
        {
          ssids: [
            { associations: [{ station: '02:00:00:aa:00:01', bssid: '02:00:00:aa:00:01', rssi: -50 }] },
          ],
          clients: [
            { mac: '02:00:00:aa:00:01', ipv4_addresses: ['10.7.1.1'], ipv6_addresses: ['2001:db8:7::aa'] },
          ],
          ipv4: { leases: [{ mac: '02:00:00:aa:00:01', hostname: 'the-phone-of-li' }] },
        },
      ],
    },
  };
  const text = JSON.stringify(state);
  for (const payload of [text, text.slice(0, -3)]) {
    const message = {
      topic: 'ucentral/903cb3000001/state',
      payload: Buffer.from(payload),
      text: () => payload,
      deviceClass: 'ap',
      arrivedAt: 0,
      retained: false,
    } as const;
    const clean = ucentral?.withoutPersonalData?.(message).toString() ?? payload;
    expect(clean).not.toMatch(/aa:00:01/);
    if (payload === text) expect(clean).not.toMatch(/10\.7\.1\.1|7::aa|phone-of-li/);
  }
});

async function checkOwn(profile: string) {
  const parent = mkdtempSync(join(tmpdir(), 'pc-profiles-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const folder = join(parent, 'acme-air');
  mkdirSync(folder);
  writeFileSync(join(folder, 'profile.mjs'), profile);
  const sample = { name: 'one', topic: 'acme/1/air', json: { co2: 1 }, expect: 'ignored' };
  writeFileSync(join(folder, 'samples.json'), JSON.stringify([sample]));
  return (await Promise.all((await findIn(parent)).map(checkSamples))).flat();
}

test('what a profile throws is told with its text and its line', async () => {
  const results = await checkOwn(`export const profile = {
  name: 'acme-air', topics: ['acme/+/air'], deviceClasses: ['sensor'],
  decode(message) {
    return message.nothing.there;
  },
};`);
  expect(results.map(({ passed, details }) => [passed, details])).toEqual([
    [
      false,
      [expect.stringMatching(/^profile_failed: .*TypeError: .*there.*\(acme-air\/profile\.mjs:4(:\d+)?\)$/)],
    ],
  ]);
});
