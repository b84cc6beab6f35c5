import 'reflect-metadata';
import { X509Certificate as ReadCertificate, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { JsonGeneralName } from '@peculiar/x509';
import { isIP } from 'node:net';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { ...keyAlgorithm, hash: 'SHA-256' } as const;

/** A private key and its certificate, PEM. */
export interface KeyPairFiles {
  readonly key: string;
  readonly certificate: string;
}

/** From when until when a certificate is good. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What a certificate is to say. */
export interface CertificateRequest extends Validity {
  /** `device`: shown to the broker, its name is the device's id; `server`: shown by the broker. */
  readonly kind: 'device' | 'server';
  readonly commonName: string;
  /** Of a server: the host names and IP addresses it is reached by. */
  readonly names?: readonly string[];
}

/** Makes a new CA: an ECDSA P-256 key and a certificate that may only sign others. */
export async function createAuthority(commonName: string, validity: Validity): Promise<KeyPairFiles> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity,
      name: [{ CN: [commonName] }],
      keys,
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { key: await exportKey(keys.privateKey), certificate: pem(certificate) };
}

/** Makes a new ECDSA P-256 key and has the CA sign a certificate for it. */
export async function issueCertificate(
  authority: KeyPairFiles,
  request: CertificateRequest,
): Promise<KeyPairFiles> {
  const { kind, commonName, names = [], notBefore, notAfter } = request;
  const issuer = new X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const purpose = kind === 'device' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  const certificate = await X509CertificateGenerator.create(
    {
      notBefore,
      notAfter,
      subject: [{ CN: [commonName] }],
      issuer: issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey: await importKey(authority.key),
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([purpose]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
        ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names.map(alternativeName))]),
      ],
    },
    webcrypto,
  );
  return { key: await exportKey(keys.privateKey), certificate: pem(certificate) };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag)}\n`;
}

function importKey(text: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(text), keyAlgorithm, false, ['sign']);
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function alternativeName(name: string): JsonGeneralName {
  return { type: isIP(name) === 0 ? 'dns' : 'ip', value: name };
}

/** What the register keeps of a certificate: the serial number as the broker reads it, times in epoch ms. */
export function readCertificate(certificate: string): {
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
} {
  const { serialNumber, validFrom, validTo } = new ReadCertificate(certificate);
  return { serial: serialNumber, notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
}
