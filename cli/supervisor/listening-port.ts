import { once } from 'node:events';
import { createServer } from 'node:net';
import { AppError } from '../../runtime/app-error.js';
import type { WantedAddress } from '../../runtime/cannot-listen.js';
import { flagOf } from '../settings-flags.js';

/** `free` when one could listen there now; else the code of the error, such as `EADDRINUSE`. */
export async function tryListening(host: string, port: number): Promise<string> {
  const server = createServer();
  const outcome = Promise.race([once(server, 'listening'), once(server, 'error')]);
  server.listen(port, host);
  try {
    await outcome;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  server.close();
  await once(server, 'close');
  return 'free';
}

/** @throws AppError `port_taken` or `port_refused` naming the port and the setting to change */
export async function assertPortFree(wanted: WantedAddress): Promise<void> {
  const { host, port, hostSetting, portSetting } = wanted;
  const outcome = await tryListening(host, port);
  if (outcome === 'free') return;
  if (outcome === 'EADDRINUSE') {
    throw new AppError(
      'port_taken',
      `Port ${port} on ${host} is taken by another program: choose another one with ${flagOf(portSetting)} or ${portSetting}.`,
    );
  }
  throw new AppError(
    'port_refused',
    `Listening on ${host}:${port} is refused (${outcome}): ` +
      `change it with ${flagOf(hostSetting)} or ${flagOf(portSetting)} (${hostSetting}, ${portSetting}).`,
  );
}
