/** What a session may do with topics: asked for every PUBLISH and SUBSCRIBE, and again for every delivery. */
export interface Rights {
  mayPublish(topic: string): boolean;
  /** Whether the last message of this topic is kept for later subscribers. */
  mayRetain(topic: string): boolean;
  /** True only when every topic that the filter matches is one that it may receive. */
  maySubscribe(filter: string): boolean;
  mayReceive(topic: string): boolean;
}

/** Rights by topic filters: all that they match, nothing else, and never a topic of the broker's own (`$…`). */
export function grantTopics(granted: {
  readonly publish: readonly string[];
  readonly retain?: readonly string[];
  readonly subscribe: readonly string[];
}): Rights {
  const { publish, retain = [], subscribe } = granted;
  return {
    mayPublish: (topic) => matchesAny(publish, topic),
    mayRetain: (topic) => matchesAny(retain, topic),
    maySubscribe: (filter) => !filter.startsWith('$') && filterWithin(filter, subscribe),
    mayReceive: (topic) => matchesAny(subscribe, topic),
  };
}

/** The one topic that nobody may subscribe to in open mode, as conformance suites expect one. */
const noSubscribe = 'test/nosubscribe';

/** Every topic there is, but for the broker's own and shared subscriptions: for trials on loopback only. */
export const openRights: Rights = {
  mayPublish: (topic) => !isReserved(topic),
  mayRetain: (topic) => !isReserved(topic),
  maySubscribe: (filter) => filter !== noSubscribe && !isReserved(filter),
  mayReceive: (topic) => !isReserved(topic),
};

function isReserved(topic: string): boolean {
  const [first] = topic.split('/', 1);
  return first === '$SYS' || first === '$share' || first === '$queue';
}

function matchesAny(filters: readonly string[], topic: string): boolean {
  return filters.some((filter) => topicMatches(filter, topic));
}

/** Whether a topic filter matches a topic name (MQTT 3.1.1, 4.7). */
export function topicMatches(filter: string, topic: string): boolean {
  return filter === topic || levelsMatch(filter.split('/'), topic.split('/'));
}

function levelsMatch(filter: readonly string[], topic: readonly string[]): boolean {
  // A filter that starts with a wildcard matches no topic that starts with "$" [MQTT-4.7.2-1].
  if (topic[0]?.startsWith('$') && (filter[0] === '+' || filter[0] === '#')) return false;
  for (const [i, level] of filter.entries()) {
    if (level === '#') return true;
    if (i >= topic.length || (level !== '+' && level !== topic[i])) return false;
  }
  return filter.length === topic.length;
}

/** A level that no filter names: U+0000 is in no MQTT string. */
const anyLevel = '\0';

/**
 * Whether every topic that `filter` matches is matched by one of the allowed filters. There are more level
 * names than any list of filters can name, so `+` is within what is allowed exactly when a level that nobody
 * named is; and `#` when that holds for each number of further levels up to where only a `#` can match.
 */
export function filterWithin(filter: string, allowed: readonly string[]): boolean {
  const allowedLevels = allowed.map((each) => each.split('/'));
  const covered = (topic: readonly string[]) => allowedLevels.some((each) => levelsMatch(each, topic));
  const levels = filter.split('/').map((level) => (level === '+' ? anyLevel : level));
  if (levels.at(-1) !== '#') return covered(levels);
  const topic = levels.slice(0, -1);
  const deepest = Math.max(topic.length, ...allowedLevels.map((each) => each.length)) + 1;
  // "a/#" matches "a" as well; "#" alone matches topics of at least one level.
  if (topic.length === 0) topic.push(anyLevel);
  while (topic.length <= deepest) {
    if (!covered(topic)) return false;
    topic.push(anyLevel);
  }
  return true;
}
