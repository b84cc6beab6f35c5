import { existsSync, readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { caFolder } from '../../runtime/ca-folder.js';
import type { Logger } from '../../runtime/logger.js';
import type { Settings } from '../../runtime/settings.js';

const lookEveryMs = 1000;

interface Paths {
  readonly cert: string;
  readonly key: string;
  /** Undefined: no client certificates. */
  readonly ca: string | undefined;
}

/** The files that TLS is done with, read again whenever they have changed. */
export class CertificateFiles {
  readonly #paths: Paths;
  #context: SecureContextOptions;
  /** Of the files as they were last read or last complained about. */
  #seen: string;

  /** @throws AppError `bad_certificate` naming the files when they are missing or don't go together */
  constructor(settings: Settings) {
    const made = caFolder(settings.DATA_DIR);
    this.#paths = {
      cert: settings.MQTT_TLS_CERT ?? made.serverCertificate,
      key: settings.MQTT_TLS_KEY ?? made.serverKey,
      ca: settings.MQTT_TLS_CA ?? (existsSync(made.caCertificate) ? made.caCertificate : undefined),
    };
    this.#seen = stamp(this.#paths);
    try {
      this.#context = read(this.#paths);
    } catch (error) {
      const { cert, key, ca } = this.#paths;
      throw new AppError(
        'bad_certificate',
        `TLS can't use ${[cert, key, ca].filter((path) => path !== undefined).join(', ')} (${messageOf(error)}): ` +
          'set MQTT_TLS_CERT and MQTT_TLS_KEY, or make a certificate with "campus ca init" and "campus ca server".',
        { cause: error },
      );
    }
  }

  get context(): SecureContextOptions {
    return this.#context;
  }

  /** Whether clients are asked for a certificate. */
  get asksClients(): boolean {
    return this.#paths.ca !== undefined;
  }

  /**
   * Looks for changes every second and passes on what it read. A certificate whose key isn't there yet is
   * complained about once and tried again when the files change again. Returns what ends it.
   */
  watch(log: Logger, onChange: (context: SecureContextOptions) => void): () => void {
    const timer = setInterval(() => {
      const now = stamp(this.#paths);
      if (now === this.#seen) return;
      this.#seen = now;
      try {
        this.#context = read(this.#paths);
        onChange(this.#context);
        log.info(`TLS: the changed ${this.#paths.cert} is in use; open connections go on`);
      } catch (error) {
        log.warn(`TLS: the changed certificate files can't be used, the old ones are: ${messageOf(error)}`);
      }
    }, lookEveryMs);
    return () => clearInterval(timer);
  }
}

function read({ cert, key, ca }: Paths): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
  };
  createSecureContext(context); // throws when they don't go together
  return context;
}

function stamp({ cert, key, ca }: Paths): string {
  return [cert, key, ...(ca === undefined ? [] : [ca])]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? '-' : `${found.ino} ${found.size} ${found.mtimeMs}`;
    })
    .join();
}
