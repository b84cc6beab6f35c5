import { ProtocolViolation } from './violation.js';

/**
 * A topic to publish to has at least one character and no wildcard [MQTT-4.7.3-1], [MQTT-3.3.2-2].
 * @throws ProtocolViolation
 */
export function checkTopicName(topic: string): void {
  if (topic === '') throw new ProtocolViolation('topic_name', 'an empty topic');
  if (topic.includes('+') || topic.includes('#')) {
    throw new ProtocolViolation('topic_name', 'a wildcard in a topic to publish to');
  }
}

/**
 * Wildcards stand alone in their level, and "#" in the last one [MQTT-4.7.1-2], [MQTT-4.7.1-3].
 * @throws ProtocolViolation
 */
export function checkTopicFilter(filter: string): void {
  if (filter === '') throw new ProtocolViolation('topic_filter', 'an empty topic filter');
  const levels = filter.split('/');
  for (const [i, level] of levels.entries()) {
    const hash = level.includes('#');
    if ((hash || level.includes('+')) && level.length > 1) {
      throw new ProtocolViolation('topic_filter', 'a wildcard that shares its level');
    }
    if (hash && i < levels.length - 1)
      throw new ProtocolViolation('topic_filter', '"#" before the last level');
  }
}
