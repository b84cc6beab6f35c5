import type { PacketFields } from './packet-fields.js';
import { checkTopicFilter } from './topic-syntax.js';
import { ProtocolViolation } from './violation.js';

export type Qos = 0 | 1 | 2;

/** A topic filter and the QoS asked for. */
export interface WantedFilter {
  readonly filter: string;
  readonly qos: Qos;
}

/** Nobody needs nearly as many in one packet, and half a million of them would hold up everybody for seconds. */
const mostFilters = 1000;

/**
 * The packet identifier and the filters of a SUBSCRIBE, in order.
 * @throws ProtocolViolation
 */
export function parseSubscribe(fields: PacketFields): {
  readonly id: number;
  readonly wanted: WantedFilter[];
} {
  const id = fields.packetId();
  const wanted: WantedFilter[] = [];
  while (!fields.atEnd) {
    const filter = fields.text();
    const qos = fields.byte();
    checkTopicFilter(filter);
    checkCount(wanted.length);
    if (qos > 2) throw new ProtocolViolation('qos', `QoS byte ${qos} in a SUBSCRIBE`); // [MQTT-3.8.3-4]
    wanted.push({ filter, qos: qos as Qos });
  }
  if (wanted.length === 0) throw new ProtocolViolation('no_filter', 'a SUBSCRIBE without a filter'); // [MQTT-3.8.3-3]
  return { id, wanted };
}

/**
 * The packet identifier and the filters of an UNSUBSCRIBE.
 * @throws ProtocolViolation
 */
export function parseUnsubscribe(fields: PacketFields): { readonly id: number; readonly filters: string[] } {
  const id = fields.packetId();
  const filters: string[] = [];
  while (!fields.atEnd) {
    const filter = fields.text();
    checkTopicFilter(filter);
    checkCount(filters.length);
    filters.push(filter);
  }
  if (filters.length === 0) throw new ProtocolViolation('no_filter', 'an UNSUBSCRIBE without a filter'); // [MQTT-3.10.3-2]
  return { id, filters };
}

function checkCount(before: number): void {
  if (before < mostFilters) return;
  throw new ProtocolViolation('too_many_filters', `more than ${mostFilters} filters in one packet`);
}
