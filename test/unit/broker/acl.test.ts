import { describe, expect, test } from 'vitest';
import { filterWithin, grantTopics, openRights, topicMatches } from '../../../broker/acl.js';
import { seededRandom } from '../../../simulators/city/seeded-random.js';

describe('a filter matches a topic', () => {
  test.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking/x', true],
    ['#', 'sport', true],
    ['#', '/', true],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['sport/+', 'sport/a/b', false],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['ACCOUNTS', 'Accounts', false],
    ['a//b', 'a/b', false],
  ])('%s and %s: %s', (filter, topic, expected) => {
    expect(topicMatches(filter, topic)).toBe(expected);
  });
});

describe('a filter is within allowed filters', () => {
  test.each([
    ['a/b', ['a/b'], true],
    ['a/+', ['a/b'], false],
    ['a/+', ['a/+'], true],
    ['a/+', ['a/#'], true],
    ['a/#', ['a/+'], false],
    ['a/#', ['a/#'], true],
    ['a/#', ['a', 'a/+/#'], true],
    ['a/#', ['a', 'a/+', 'a/+/+'], false],
    ['a/#', ['a/+/#'], false],
    ['a/b/#', ['a/#'], true],
    ['+/b', ['#'], true],
    ['#', ['+/#'], true],
    ['#', ['a/#', '+'], false],
    ['+', ['a', 'b'], false],
    ['a', [], false],
    ['a/+/c', ['a/b/c', 'a/+/+'], true],
    ['$SYS/#', ['#'], false],
  ])('%s within %j: %s', (filter, allowed, expected) => {
    expect(filterWithin(filter, allowed)).toBe(expected);
  });

  test('agrees with trying topics, whatever the filters', () => {
    const random = seededRandom(11);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    // Topics over the names that filters use and one more stand for all topics, up to a level deeper.
    const names = ['a', 'b', '', 'z'];
    const topics = names.flatMap((x) => [
      ...(x === '' ? [] : [x]),
      ...names.flatMap((y) => [
        `${x}/${y}`,
        ...names.flatMap((z) => [`${x}/${y}/${z}`, ...names.map((w) => `${x}/${y}/${z}/${w}`)]),
      ]),
    ]);
    const anyFilter = (): string => {
      const levels = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
        pick(['a', 'b', '', '+', '+']),
      );
      if (random() < 0.3) levels[levels.length - 1] = '#';
      return levels.join('/') || 'a';
    };
    for (let i = 0; i < 1500; i++) {
      const filter = anyFilter();
      const allowed = Array.from({ length: Math.floor(random() * 4) }, anyFilter);
      const byTrying = topics
        .filter((topic) => topicMatches(filter, topic))
        .every((topic) => allowed.some((each) => topicMatches(each, topic)));
      expect(filterWithin(filter, allowed), `${filter} within ${JSON.stringify(allowed)}`).toBe(byTrying);
    }
  });
});

test('rights say what may be published, kept, subscribed to and received', () => {
  const rights = grantTopics({
    publish: ['d/1/state', 'd/1/event'],
    retain: ['d/1/state'],
    subscribe: ['d/1/cmd'],
  });
  expect(rights.mayPublish('d/1/event')).toBe(true);
  expect(rights.mayPublish('d/2/event')).toBe(false);
  expect(rights.mayRetain('d/1/state')).toBe(true);
  expect(rights.mayRetain('d/1/event')).toBe(false);
  expect(rights.maySubscribe('d/1/cmd')).toBe(true);
  for (const filter of ['d/1/#', 'd/+/cmd', '#', '$SYS/#', '$share/g/d/1/cmd']) {
    expect(rights.maySubscribe(filter), filter).toBe(false);
  }
  expect(rights.mayReceive('d/1/cmd')).toBe(true);
  expect(rights.mayReceive('d/2/cmd')).toBe(false);
});

test('open rights allow every topic but the broker’s own, shared subscriptions and test/nosubscribe', () => {
  expect(openRights.maySubscribe('#')).toBe(true);
  expect(openRights.maySubscribe('$other/#')).toBe(true);
  for (const filter of ['test/nosubscribe', '$SYS/#', '$share/g/a', '$SYS']) {
    expect(openRights.maySubscribe(filter), filter).toBe(false);
  }
  expect(openRights.mayPublish('$SYS/x/new/clients')).toBe(false);
  expect(openRights.mayPublish('anything')).toBe(true);
});
