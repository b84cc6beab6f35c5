import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../runtime/app-error.js';
import { caFolder } from '../../runtime/ca-folder.js';
import { createAuthority, issueCertificate, readCertificate } from './certificate-authority.js';
import type { CertificateRequest, KeyPairFiles, Validity } from './certificate-authority.js';

/** A certificate of the CA, as the register has it. Times are wall time, epoch ms. */
export interface IssuedCertificate {
  readonly serial: string;
  readonly kind: CertificateRequest['kind'];
  /** A device's id, or a server's first name. */
  readonly name: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly revokedAt?: number | undefined;
}

type Entry = IssuedCertificate | { readonly revoked: string; readonly at: number };

const dayMs = 24 * 3600 * 1000;
/** A device whose clock is a little behind must not find the broker's certificate not yet valid. */
const backdatedMs = 3600 * 1000;

/** The CA in a data folder: its files are for the owner's eyes only, its register only ever grows. */
export class CertificateStore {
  readonly paths: ReturnType<typeof caFolder>;

  constructor(dataDir: string) {
    this.paths = caFolder(dataDir);
  }

  /** @throws AppError `ca_exists` */
  async init(commonName: string, days: number): Promise<void> {
    const { folder, caCertificate, caKey } = this.paths;
    if (existsSync(caKey) || existsSync(caCertificate)) {
      throw new AppError(
        'ca_exists',
        `There is a CA in ${folder}: devices trust it. To start over, move that folder away and issue everything anew.`,
      );
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { key, certificate } = await createAuthority(commonName, validFor(days, 'authority'));
    writePrivately(caKey, key);
    writePrivately(caCertificate, certificate);
  }

  /**
   * Makes a key and a certificate and enters it into the register.
   * @throws AppError `no_ca`
   */
  async issue(
    kind: CertificateRequest['kind'],
    names: readonly [string, ...string[]],
    days: number,
  ): Promise<{ readonly files: KeyPairFiles; readonly entry: IssuedCertificate }> {
    const [name] = names;
    const request = {
      kind,
      commonName: name,
      names: kind === 'server' ? names : [],
      ...validFor(days, kind),
    };
    const files = await issueCertificate(this.#authority(), request);
    const { serial, notBefore, notAfter } = readCertificate(files.certificate);
    const entry = { serial, kind, name, notBefore, notAfter };
    this.#enter(entry);
    return { files, entry };
  }

  /** Writes what was issued, and the CA's own certificate beside it. Returns the paths. */
  write(folder: string, name: string, { key, certificate }: KeyPairFiles) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const paths = { key: join(folder, `${name}.key`), certificate: join(folder, `${name}.crt`) };
    // The key first: the broker takes both up when the certificate changes.
    writePrivately(paths.key, key);
    writePrivately(paths.certificate, certificate);
    const ca = join(folder, 'ca.crt');
    if (ca !== this.paths.caCertificate) writePrivately(ca, readFileSync(this.paths.caCertificate, 'utf8'));
    return { ...paths, ca };
  }

  /** Everything ever issued, oldest first. */
  list(): IssuedCertificate[] {
    const issued = new Map<string, IssuedCertificate>();
    if (!existsSync(this.paths.register)) return [];
    for (const line of readFileSync(this.paths.register, 'utf8').split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as Entry;
      if ('serial' in entry) issued.set(entry.serial, entry);
      else {
        const known = issued.get(entry.revoked);
        if (known !== undefined) issued.set(entry.revoked, { ...known, revokedAt: entry.at });
      }
    }
    return [...issued.values()];
  }

  /** Notes what the broker was told. */
  markRevoked(serials: readonly string[], at: number): void {
    for (const revoked of serials) this.#enter({ revoked, at });
  }

  #authority(): KeyPairFiles {
    const { caKey, caCertificate, folder } = this.paths;
    if (!existsSync(caKey)) {
      throw new AppError('no_ca', `There is no CA in ${folder}: make one with "campus ca init".`);
    }
    return { key: readFileSync(caKey, 'utf8'), certificate: readFileSync(caCertificate, 'utf8') };
  }

  /** One line appended is one write: two verbs at once don't lose each other's entries. */
  #enter(entry: Entry): void {
    appendFileSync(this.paths.register, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
  }
}

/** A device's begins now: the broker tells by that whether it was issued before the device was revoked. */
function validFor(days: number, kind: CertificateRequest['kind'] | 'authority'): Validity {
  const now = Date.now();
  const notBefore = new Date(kind === 'device' ? now : now - backdatedMs);
  return { notBefore, notAfter: new Date(now + days * dayMs) };
}

function writePrivately(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}
