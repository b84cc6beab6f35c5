import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';
import type { TestCertificates } from './certificates.js';

/** Somebody else's broker that is an Aedes, over TLS and for one user with a password only. */
export interface AedesUpstream {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startAedesUpstream(
  certificates: TestCertificates,
  login: { readonly username: string; readonly password: string },
): Promise<AedesUpstream> {
  const { MQTT_TLS_CERT: cert = '', MQTT_TLS_KEY: key = '' } = certificates.settings;
  const aedes = await Aedes.createBroker({
    authenticate: (_client, username, password, done) =>
      done(null, username === login.username && password?.toString() === login.password),
  });
  const server = createServer({ cert: await readFile(cert), key: await readFile(key) }, aedes.handle);
  // A client that does not trust us, or is cut.
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtts://localhost:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      server.close();
    },
  };
}
