import { z } from 'zod';

const number = z.number();

/** Somebody's phone or laptop: what of it we look at, and nothing that says whose it is. */
const associationSchema = z.looseObject({
  rssi: number.optional(),
  tx_packets: number.optional(),
  tx_retries: number.optional(),
});
const addresses = z.array(z.string()).default([]);
const clientSchema = z.looseObject({ ipv4_addresses: addresses, ipv6_addresses: addresses });

const surveySchema = z.looseObject({
  frequency: number.optional(),
  time: number.optional(),
  busy: number.optional(),
  time_tx: number.optional(),
  time_rx: number.optional(),
  noise: number.optional(),
});
const radioSchema = z.looseObject({
  channel: number.optional(),
  // Older firmware sends the width as text.
  channel_width: z.union([number, z.string().regex(/^\d+$/).transform(Number)]).optional(),
  frequency: z.array(number).default([]),
  tx_power: number.optional(),
  temperature: number.optional(),
  noise: number.optional(),
  phy: z.string().optional(),
  band: z.array(z.string()).default([]),
  survey: z.array(surveySchema).default([]),
});

const ssidSchema = z.looseObject({
  mode: z.string().optional(),
  phy: z.string().optional(),
  radio: z.looseObject({ $ref: z.string().optional() }).optional(),
  associations: z.array(associationSchema).default([]),
});
const interfaceSchema = z.looseObject({
  ssids: z.array(ssidSchema).default([]),
  clients: z.array(clientSchema).default([]),
});

const linkSchema = z.looseObject({
  carrier: z.boolean().optional(),
  speed: number.optional(),
  counters: z
    .looseObject({
      rx_bytes: number.optional(),
      tx_bytes: number.optional(),
      rx_errors: number.optional(),
      tx_errors: number.optional(),
    })
    .optional(),
});

const unitSchema = z.looseObject({
  cpu_load: z.array(number).optional(),
  localtime: number.optional(),
  memory: z
    .looseObject({ total: number, free: number, cached: number.default(0), buffered: number.default(0) })
    .optional(),
  uptime: number.optional(),
  temperature: z.array(number).optional(),
});

const stateSchema = z.looseObject({
  unit: unitSchema,
  radios: z.array(radioSchema).default([]),
  interfaces: z.array(interfaceSchema).default([]),
  'link-state': z.looseObject({ upstream: z.record(z.string(), linkSchema).optional() }).optional(),
});

export type ApState = z.infer<typeof stateSchema>;
export type Radio = ApState['radios'][number];

const serial = z.string().regex(/^[0-9a-fA-F]{12}$/, 'must be a serial number of twelve hexadecimal digits');

/** A state with the serial number of its unit, where the payload says it, whichever way it is wrapped. */
export const envelopeSchema = z.preprocess(
  (body) => {
    if (typeof body !== 'object' || body === null) return body;
    if ('params' in body) return body.params;
    return 'unit' in body && !('state' in body) ? { state: body } : body;
  },
  z.looseObject({ serial: serial.optional(), state: stateSchema }),
);
