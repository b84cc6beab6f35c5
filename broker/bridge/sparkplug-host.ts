import { bdSeqOf, readBorn, resolveAliases } from '../../devices/profiles/sparkplug/birth.js';
import type { Birth } from '../../devices/profiles/sparkplug/birth.js';
import {
  dataType,
  decodePayload,
  encodePayload,
  numberOf,
} from '../../devices/profiles/sparkplug/payload.js';
import type { SparkplugPayload } from '../../devices/profiles/sparkplug/payload.js';
import { nodeName, parseSparkplugTopic } from '../../devices/profiles/sparkplug/sparkplug-topic.js';
import type { SparkplugTopic } from '../../devices/profiles/sparkplug/sparkplug-topic.js';

/** Wall ms: a node that was asked for a rebirth is not asked again before. */
const askAgainMs = 30_000;
const sequenceLength = 256;

interface Node {
  birth: Birth | undefined;
  /** The number of its last message; undefined where none can be compared with. */
  seq: number | undefined;
  askedAt: number;
}

/** What is to be done with a message of an edge node. */
export interface HostVerdict {
  /** What goes into the log; undefined where the message is of a connection that is over. */
  readonly payload: Buffer | undefined;
  /** Numbers between the last message and this one. */
  readonly missing: number;
  /** The node whose birth is to be kept, or, where it is undefined, forgotten. */
  readonly born?: { readonly node: string; readonly birth: Birth | undefined };
  /** Ask the node to say again what its metrics are: topic and payload of the command. */
  readonly rebirth?: { readonly topic: string; readonly payload: Buffer };
}

/**
 * The memory that a Sparkplug host application needs: births, sequence numbers, connections. It hears all of
 * a broker's nodes in order and makes their messages understandable by themselves. Decides, does nothing.
 */
export class SparkplugHost {
  readonly #nodes = new Map<string, Node>();

  /** @param births what was kept of an earlier run */
  constructor(births: ReadonlyMap<string, Birth> = new Map()) {
    for (const [name, birth] of births) this.#nodes.set(name, { birth, seq: undefined, askedAt: -Infinity });
  }

  /** The connection to the broker was lost: what came meanwhile is not known, so no number is expected. */
  forgetNumbers(): void {
    for (const node of this.#nodes.values()) node.seq = undefined;
  }

  /** @param now wall time, epoch ms. Never throws: what is no Sparkplug passes as it is. */
  receive(topicName: string, payload: Buffer, now: number): HostVerdict {
    const topic = parseSparkplugTopic(topicName);
    if (topic === undefined || topic.type === 'NCMD' || topic.type === 'DCMD') return { payload, missing: 0 };
    let decoded: SparkplugPayload;
    try {
      decoded = decodePayload(payload);
    } catch {
      return { payload, missing: 0 };
    }
    return this.#receive(topic, payload, decoded, now);
  }

  #receive(topic: SparkplugTopic, payload: Buffer, decoded: SparkplugPayload, now: number): HostVerdict {
    const name = nodeName(topic);
    const { metrics } = decoded;
    const known = this.#nodes.get(name);
    if (topic.type === 'NDEATH') {
      const { bdSeq } = known?.birth ?? {};
      // The Will of a connection that the node has replaced already (section 6.4.24).
      if (bdSeq !== undefined && bdSeq !== bdSeqOf(metrics)) return { payload: undefined, missing: 0 };
      this.#nodes.delete(name);
      return { payload, missing: 0, born: { node: name, birth: undefined } };
    }
    const node: Node = known ?? { birth: undefined, seq: undefined, askedAt: -Infinity };
    this.#nodes.set(name, node);
    const seq = numberOf(decoded, 'seq');
    if (topic.type === 'NBIRTH') {
      node.birth = { bdSeq: bdSeqOf(metrics), metrics: { '': readBorn(metrics) } };
      node.seq = seq;
      node.askedAt = -Infinity;
      return { payload, missing: 0, born: { node: name, birth: node.birth } };
    }
    const isFirst = node.seq === undefined;
    const missing = gap(node.seq, seq);
    node.seq = seq;
    const device = topic.device ?? '';
    const resolved = topic.type === 'DBIRTH' ? payload : resolveAliases(payload, node.birth, device);
    const born =
      topic.type === 'DBIRTH' && node.birth !== undefined ? bear(node.birth, device, metrics) : undefined;
    if (born !== undefined) node.birth = born;
    // A birth tells all values: also those that were missed, or sent while nobody was listening.
    const doubtful = isFirst || missing > 0 || resolved === undefined || node.birth === undefined;
    const ask = doubtful && now - node.askedAt >= askAgainMs;
    if (ask) node.askedAt = now;
    return {
      payload: resolved ?? payload,
      missing,
      ...(born === undefined ? {} : { born: { node: name, birth: born } }),
      ...(ask ? { rebirth: askForRebirth(topic, now) } : {}),
    };
  }
}

function bear(birth: Birth, device: string, metrics: Parameters<typeof readBorn>[0]): Birth {
  return { ...birth, metrics: { ...birth.metrics, [device]: readBorn(metrics) } };
}

/** Numbers go from 0 to 255 and begin again. */
function gap(last: number | undefined, seq: number | undefined): number {
  if (last === undefined || seq === undefined || seq === last) return 0;
  return (seq - last - 1 + sequenceLength) % sequenceLength;
}

/** Section 6.4.30: a command to the node, sent with QoS 0 and not retained. */
function askForRebirth({ group, node }: SparkplugTopic, now: number): { topic: string; payload: Buffer } {
  const metric = {
    name: 'Node Control/Rebirth',
    timestamp: now,
    datatype: dataType.boolean,
    booleanValue: true,
  };
  return {
    topic: `spBv1.0/${group}/NCMD/${node}`,
    payload: encodePayload({ timestamp: now, metrics: [metric] }),
  };
}
