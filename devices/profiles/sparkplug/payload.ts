import protobuf from 'protobufjs/light.js';

/** A whole number of 64 bits, as the protobuf library has it. */
interface Long64 {
  toNumber(): number;
  toSigned(): Long64;
  toString(): string;
}

/** A metric of a Sparkplug B payload (specification 3.0, section 6.4.6). Only what is on the wire is there. */
export interface SparkplugMetric {
  name?: string;
  alias?: Long64 | number;
  timestamp?: Long64 | number;
  datatype?: number;
  isNull?: boolean;
  properties?: { readonly keys?: readonly string[]; readonly values?: readonly PropertyValue[] };
  intValue?: number;
  longValue?: Long64 | number;
  floatValue?: number;
  doubleValue?: number;
  booleanValue?: boolean;
  stringValue?: string;
}

interface PropertyValue {
  readonly type?: number;
  readonly stringValue?: string;
}

export interface SparkplugPayload {
  readonly timestamp?: Long64 | number;
  readonly metrics: SparkplugMetric[];
  readonly seq?: Long64 | number;
}

/** Data types that a payload names by number (section 6.4.16). */
export const dataType = { int8: 1, int16: 2, int32: 3, int64: 4, boolean: 11, string: 12 } as const;

const field = (id: number, type: string, rule?: 'repeated') => ({ id, type, ...(rule ? { rule } : {}) });

// Only as proto2 is a zero that is on the wire told from nothing; each message has to say so.
const edition = 'proto2';
// The messages of section 6.4.1 by their numbers. Data sets, templates and meta data are left as the bytes
// they are, because nothing in them is for us and they must pass unchanged.
const root = protobuf.Root.fromJSON({
  nested: {
    Payload: {
      edition,
      fields: {
        timestamp: field(1, 'uint64'),
        metrics: field(2, 'Metric', 'repeated'),
        seq: field(3, 'uint64'),
        uuid: field(4, 'string'),
        body: field(5, 'bytes'),
      },
    },
    Metric: {
      edition,
      fields: {
        name: field(1, 'string'),
        alias: field(2, 'uint64'),
        timestamp: field(3, 'uint64'),
        datatype: field(4, 'uint32'),
        isHistorical: field(5, 'bool'),
        isTransient: field(6, 'bool'),
        isNull: field(7, 'bool'),
        metadata: field(8, 'bytes'),
        properties: field(9, 'PropertySet'),
        intValue: field(10, 'uint32'),
        longValue: field(11, 'uint64'),
        floatValue: field(12, 'float'),
        doubleValue: field(13, 'double'),
        booleanValue: field(14, 'bool'),
        stringValue: field(15, 'string'),
        bytesValue: field(16, 'bytes'),
        datasetValue: field(17, 'bytes'),
        templateValue: field(18, 'bytes'),
        extensionValue: field(19, 'bytes'),
      },
    },
    PropertySet: {
      edition,
      fields: { keys: field(1, 'string', 'repeated'), values: field(2, 'PropertyValue', 'repeated') },
    },
    PropertyValue: {
      edition,
      fields: {
        type: field(1, 'uint32'),
        isNull: field(2, 'bool'),
        intValue: field(3, 'uint32'),
        longValue: field(4, 'uint64'),
        floatValue: field(5, 'float'),
        doubleValue: field(6, 'double'),
        booleanValue: field(7, 'bool'),
        stringValue: field(8, 'string'),
        propertysetValue: field(9, 'bytes'),
        propertysetsValue: field(10, 'bytes'),
        extensionValue: field(11, 'bytes'),
      },
    },
  },
});
const type = root.lookupType('Payload');

/** @throws Error when the bytes are no Sparkplug B payload */
export function decodePayload(bytes: Buffer): SparkplugPayload {
  return type.decode(bytes) as unknown as SparkplugPayload;
}

export function encodePayload(payload: object): Buffer {
  return Buffer.from(type.encode(type.create(payload)).finish());
}

/** The number that a 64-bit field holds; undefined where the field is not on the wire. */
export function numberOf(message: object, name: string): number | undefined {
  if (!Object.hasOwn(message, name)) return undefined;
  const value = (message as Record<string, Long64 | number | undefined>)[name];
  return typeof value === 'object' ? value.toNumber() : value;
}

/** A metric's value as its data type means it; undefined for none, and for sets, templates and bytes. */
export function valueOf(metric: SparkplugMetric): number | string | boolean | undefined {
  const has = (name: keyof SparkplugMetric) => Object.hasOwn(metric, name);
  if (has('isNull') && metric.isNull === true) return undefined;
  if (has('booleanValue')) return metric.booleanValue;
  if (has('stringValue')) return metric.stringValue;
  if (has('floatValue')) return shortFloat(metric.floatValue ?? 0);
  if (has('doubleValue')) return metric.doubleValue;
  if (has('intValue')) return signed(metric.intValue ?? 0, metric.datatype);
  if (!has('longValue')) return undefined;
  const long = metric.longValue;
  if (typeof long !== 'object') return long;
  return (metric.datatype === dataType.int64 ? long.toSigned() : long).toNumber();
}

/** Signed integers travel in an unsigned field, as two's complement of their own width or of 32 bits. */
function signed(value: number, datatype: number | undefined): number {
  if (datatype === dataType.int8) return (value << 24) >> 24;
  if (datatype === dataType.int16) return (value << 16) >> 16;
  return datatype === dataType.int32 ? value | 0 : value;
}

/** 21.4 was sent as the nearest of 32 bits, 21.399999618530273: the shortest number that means it. */
function shortFloat(value: number): number {
  return Number(value.toPrecision(7));
}

/** The unit that a metric's properties name. */
export function unitOf({ properties }: SparkplugMetric): string | undefined {
  const i = properties?.keys?.findIndex((key) => key.toLowerCase() === 'engunit') ?? -1;
  return i < 0 ? undefined : properties?.values?.[i]?.stringValue;
}
