/** Larger payloads are not retained: there are two topics a device, and all of them are kept in memory. */
export const mostRetainedBytes = 8192;

/** A retained message as it is kept beside the log: its QoS in the first byte, then the payload. */
export function encodeRetained({ qos, payload }: { readonly qos: number; readonly payload: Buffer }): Buffer {
  return Buffer.concat([Buffer.from([qos]), payload]);
}

export function decodeRetained(value: Buffer): { readonly qos: number; readonly payload: Buffer } {
  return { qos: value[0] ?? 0, payload: value.subarray(1) };
}
