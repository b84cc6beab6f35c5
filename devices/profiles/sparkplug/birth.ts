import { decodePayload, encodePayload, numberOf, unitOf } from './payload.js';
import type { SparkplugMetric } from './payload.js';

/** What an edge node said of its metrics when it, or one of its devices, was born. */
export interface Birth {
  /** Number of the connection it was born in; its death names the same. */
  readonly bdSeq?: number | undefined;
  /** By the device, `''` for the node itself. */
  readonly metrics: Readonly<Record<string, readonly BornMetric[]>>;
}

/** Later messages name a metric by its alias alone, and leave out what the birth has said. */
export interface BornMetric {
  readonly name: string;
  readonly alias?: string | undefined;
  readonly datatype?: number | undefined;
  readonly unit?: string | undefined;
}

/** The number of the connection that a birth or a death is about. */
export function bdSeqOf(metrics: readonly SparkplugMetric[]): number | undefined {
  const found = metrics.find(({ name }) => name === 'bdSeq');
  return found === undefined ? undefined : (numberOf(found, 'longValue') ?? numberOf(found, 'intValue'));
}

/** What the metrics of a birth promise. */
export function readBorn(metrics: readonly SparkplugMetric[]): BornMetric[] {
  return metrics
    .filter((metric) => Object.hasOwn(metric, 'name'))
    .map((metric) => ({
      name: metric.name ?? '',
      alias: aliasOf(metric),
      datatype: Object.hasOwn(metric, 'datatype') ? metric.datatype : undefined,
      unit: unitOf(metric),
    }));
}

/**
 * The payload with the names, data types and units that the birth gave its metrics, all else as it was, so
 * that whoever decodes it needs no memory. Undefined when an alias is none of the birth's, or the birth gave it
 * to a metric of another type.
 * @throws Error when the bytes are no Sparkplug B payload
 */
export function resolveAliases(bytes: Buffer, birth: Birth | undefined, device: string): Buffer | undefined {
  const payload = decodePayload(bytes);
  const born = birth?.metrics[device] ?? [];
  let changed = false;
  for (const metric of payload.metrics) {
    const named = Object.hasOwn(metric, 'name') && metric.name !== '';
    const alias = aliasOf(metric);
    const found = born.find((one) => (named ? one.name === metric.name : one.alias === alias));
    if (found !== undefined && !isOtherType(metric, found)) changed = complete(metric, found) || changed;
    else if (!named) return undefined;
  }
  return changed ? encodePayload(payload) : bytes;
}

function isOtherType(metric: SparkplugMetric, { datatype }: BornMetric): boolean {
  return Object.hasOwn(metric, 'datatype') && datatype !== undefined && metric.datatype !== datatype;
}

/** Adds what the birth said and the metric leaves out; false when there is nothing to add. */
function complete(metric: SparkplugMetric, { name, datatype, unit }: BornMetric): boolean {
  const addName = !Object.hasOwn(metric, 'name') || metric.name === '';
  const addType = !Object.hasOwn(metric, 'datatype') && datatype !== undefined;
  const addUnit = unit !== undefined && unitOf(metric) === undefined;
  if (addName) metric.name = name;
  if (addType) metric.datatype = datatype;
  if (addUnit) {
    const { keys = [], values = [] } = metric.properties ?? {};
    metric.properties = { keys: [...keys, 'engUnit'], values: [...values, { type: 12, stringValue: unit }] };
  }
  return addName || addType || addUnit;
}

function aliasOf(metric: SparkplugMetric): string | undefined {
  return Object.hasOwn(metric, 'alias') ? String(metric.alias) : undefined;
}
