import { once } from 'node:events';
import { createServer } from 'node:net';
import { AppError } from '../../runtime/app-error.js';

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

/**
 * @param setting the environment variable without `_HOST` and `_PORT`, such as `MQTT`
 * @throws AppError `port_taken` or `port_refused` naming the port and the setting to change
 */
export async function assertPortFree(setting: 'MQTT' | 'HTTP', host: string, port: number): Promise<void> {
  const outcome = await tryListening(host, port);
  if (outcome === 'free') return;
  const flag = setting.toLowerCase();
  if (outcome === 'EADDRINUSE') {
    throw new AppError(
      'port_taken',
      `Port ${port} on ${host} is taken by another program: choose another one with --${flag}-port or ${setting}_PORT.`,
    );
  }
  throw new AppError(
    'port_refused',
    `Listening on ${host}:${port} is refused (${outcome}): ` +
      `change it with --${flag}-host or --${flag}-port (${setting}_HOST, ${setting}_PORT).`,
  );
}
