import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../cli/ca/certificate-authority.js';
import type { KeyPairFiles, Validity } from '../../cli/ca/certificate-authority.js';
import type { SettingName } from '../../runtime/settings.js';

const day = 24 * 3600 * 1000;

/** A validity around today, in days from now. */
export function validDays(from = -1, until = 30): Validity {
  return { notBefore: new Date(Date.now() + from * day), notAfter: new Date(Date.now() + until * day) };
}

/** A CA, and a server certificate of it for loopback in files of a temporary folder. */
export class TestCertificates {
  readonly authority: KeyPairFiles;
  readonly #folder: string;

  private constructor(folder: string, authority: KeyPairFiles) {
    this.#folder = folder;
    this.authority = authority;
  }

  static async create(): Promise<TestCertificates> {
    const folder = await mkdtemp(join(tmpdir(), 'campus-tls-'));
    const made = new TestCertificates(folder, await createAuthority('Test CA', validDays()));
    await writeFile(join(folder, 'ca.crt'), made.authority.certificate);
    await made.writeServerCertificate();
    return made;
  }

  /** Replaces the server's files. */
  async writeServerCertificate(commonName = 'localhost'): Promise<void> {
    const names = ['localhost', '127.0.0.1'];
    const server = await issueCertificate(this.authority, {
      kind: 'server',
      commonName,
      names,
      ...validDays(),
    });
    await writeFile(join(this.#folder, 'server.crt'), server.certificate);
    await writeFile(join(this.#folder, 'server.key'), server.key);
  }

  /** A client's certificate, for `tls.connect` and `mqtt.connect`. */
  async device(
    commonName: string,
    authority = this.authority,
    validity = validDays(),
  ): Promise<{ readonly key: string; readonly cert: string }> {
    const { key, certificate } = await issueCertificate(authority, {
      kind: 'device',
      commonName,
      ...validity,
    });
    return { key, cert: certificate };
  }

  get settings(): Partial<Record<SettingName, string>> {
    return {
      MQTT_TLS_CERT: join(this.#folder, 'server.crt'),
      MQTT_TLS_KEY: join(this.#folder, 'server.key'),
      MQTT_TLS_CA: join(this.#folder, 'ca.crt'),
    };
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true });
  }
}
