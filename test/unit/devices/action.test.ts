import { describe, expect, test } from 'vitest';
import { expectationOf, settledState } from '../../../devices/action.js';
import {
  actionThatSets,
  checkAction,
  findAction,
  isActionProblem,
  settableKeys,
} from '../../../devices/action-check.js';
import { actionsOf } from '../../../devices/action-list.js';
import { deviceClasses } from '../../../devices/device-class.js';
import type { DeviceClass } from '../../../devices/device-class.js';
import { metricsOf } from '../../../devices/metric.js';
import { formatStateKey, parseStateKey } from '../../../devices/state-key.js';

test('a command with good arguments comes out as it will be sent, defaults filled in', () => {
  expect(checkAction('ap', 'set_channel', { radio: 'radio5', channel: 36 })).toMatchObject({
    args: { radio: 'radio5', channel: 36 },
  });
  expect(checkAction('sensor', 'identify', {})).toMatchObject({ args: { seconds: 30 } });
});

describe('what can not be commanded is named', () => {
  const cases: [DeviceClass, string, object, string, RegExp][] = [
    [
      'ap',
      'set_chanel',
      {},
      'unknown_action',
      /Class ap has no action "set_chanel"\. It has: .*set_channel, /,
    ],
    ['sensor', 'poe_cycle', {}, 'unknown_action', /Class sensor has no action "poe_cycle".*It has: report, /],
    ['ap', 'constructor', {}, 'unknown_action', /no action/],
    ['ap', 'factory_reset', {}, 'denied_action', /never sent/],
    ['gateway', 'script', {}, 'denied_action', /never sent/],
    ['gateway', 'rtty', {}, 'denied_action', /never sent/],
    [
      'ap',
      'set_channel',
      { radio: 'radio5' },
      'wrong_argument',
      /Argument "channel" .* is missing; it takes radio, channel/,
    ],
    [
      'ap',
      'set_channel',
      { radio: 'radio5', channel: 999 },
      'wrong_argument',
      /Argument "channel" of set_channel .*233/,
    ],
    [
      'ap',
      'set_channel',
      { radio: '5 GHz', channel: 36 },
      'wrong_argument',
      /Argument "radio" .* name of a part/,
    ],
    [
      'ap',
      'reboot',
      { hard: true },
      'wrong_argument',
      /reboot has no argument "hard": it takes no arguments/,
    ],
    ['gateway', 'poe_cycle', {}, 'wrong_argument', /Argument "port" .* is missing/],
    ['whiteboard', 'set_input', { input: 'scart' }, 'wrong_argument', /Argument "input"/],
  ];
  test.each(cases)('%s %s %j', (deviceClass, action, args, code, message) => {
    const result = checkAction(deviceClass, action, args as Record<string, unknown>);
    expect(isActionProblem(result) && result.code).toBe(code);
    expect(isActionProblem(result) && result.message).toMatch(message);
  });
});

test('every action has words in both languages, a window, and shows in something its class reports', () => {
  const samples: Record<string, string | number | boolean> = {
    radio: 'radio5',
    port: 'port1',
    enabled: true,
  };
  for (const deviceClass of deviceClasses) {
    for (const [name, action] of Object.entries(actionsOf[deviceClass])) {
      expect(action.zh, name).toMatch(/\p{Script=Han}/u);
      expect(action.en, name).toMatch(/^[A-Z]/);
      const args = { ...samples, version: '2.0', [action.sets?.name ?? 'x']: 20 };
      expect(action.withinMs(args), name).toBeGreaterThanOrEqual(60_000);
      const expected = expectationOf(action, args);
      if (expected?.shows !== 'value' || expected.path.of === 'meta') continue;
      expect(Object.keys(metricsOf[deviceClass]), name).toContain(expected.path.name);
    }
  }
});

test('an action that leaves a state behind is found by that state', () => {
  const path = parseStateKey('parts.radio5.channel');
  expect(path && actionThatSets('ap', path, 36)).toEqual({
    name: 'set_channel',
    args: { radio: 'radio5', channel: 36 },
  });
  expect(actionThatSets('sensor', { of: 'meta', name: 'interval_s' }, 30)).toMatchObject({
    name: 'set_interval',
  });
  expect(actionThatSets('ap', { of: 'device', name: 'channel' }, 36)).toBeUndefined();
  expect(actionThatSets('ap', { of: 'device', name: 'cpu_pct' }, 36)).toBeUndefined();
  expect(settableKeys('ap')).toContain('parts.<radio>.channel');
  const action = findAction('ap', 'set_channel');
  expect(action && settledState(action, { radio: 'radio5', channel: 36 })).toEqual({ path, value: 36 });
});

test('a state key is taken apart and put together again, and nonsense is none', () => {
  for (const key of ['power', 'meta.firmware', 'parts.radio5.channel', 'parts.eth0.1.link_up']) {
    const path = parseStateKey(key);
    expect(path && formatStateKey(path)).toBe(key);
  }
  for (const key of ['', 'parts.radio5', 'meta.', 'a b', '.power', 'parts..channel', 'a.b']) {
    expect(parseStateKey(key), key).toBeUndefined();
  }
});
