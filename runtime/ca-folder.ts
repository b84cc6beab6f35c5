import { join } from 'node:path';

/** The files of the small CA of a data folder (`campus ca`); the broker takes them where nothing else is set. */
export function caFolder(dataDir: string) {
  const folder = join(dataDir, 'ca');
  return {
    folder,
    caCertificate: join(folder, 'ca.crt'),
    caKey: join(folder, 'ca.key'),
    serverCertificate: join(folder, 'server.crt'),
    serverKey: join(folder, 'server.key'),
    /** What was issued to whom, and what of it was revoked. */
    register: join(folder, 'register.json'),
  } as const;
}
