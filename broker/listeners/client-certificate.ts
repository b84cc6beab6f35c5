import type { X509Certificate } from 'node:crypto';
import { idPattern } from '../../devices/topic.js';

/** What is kept of the certificate that a client has shown. */
export interface ClientCertificate {
  /** Its common name. */
  readonly device: string;
  readonly serial: string;
  /** Wall time, epoch ms. */
  readonly notBefore: number;
  /** Wall time, epoch ms. */
  readonly notAfter: number;
}

/** Undefined when its subject has not exactly one common name, or that is no device id. */
export function readClientCertificate(certificate: X509Certificate): ClientCertificate | undefined {
  const { subject, serialNumber, validFrom, validTo } = certificate;
  // One attribute a line; undefined for a certificate without a subject, which the types don't say.
  const names = ((subject as string | undefined) ?? '').split('\n').filter((line) => line.startsWith('CN='));
  const device = names[0]?.slice('CN='.length) ?? '';
  if (names.length !== 1 || !idPattern.test(device)) return undefined;
  return {
    device,
    serial: serialNumber,
    notBefore: Date.parse(validFrom),
    notAfter: Date.parse(validTo),
  };
}
