import { connect } from 'node:net';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureServers } from '../../cli/stores/install-servers.js';
import { freePort } from '../../cli/stores/free-port.js';
import { serve } from './stores.js';
import type { TestServer } from './stores.js';

/** A Mosquitto of a test's own, which is installed where it is missing. Keeps its sessions over a restart. */
export async function startMosquitto(
  lines: readonly string[] = ['allow_anonymous true'],
): Promise<TestServer> {
  const { mosquitto } = await ensureServers(['mosquitto'], () => undefined);
  const folder = await mkdtemp(join(tmpdir(), 'campus-mosquitto-'));
  const port = await freePort();
  const config = [
    `listener ${port} 127.0.0.1`,
    'user root',
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 0',
    ...lines,
  ];
  await writeFile(join(folder, 'mosquitto.conf'), `${config.join('\n')}\n`);
  const url = `mqtt://127.0.0.1:${port}`;
  const command = { command: mosquitto, args: ['-c', join(folder, 'mosquitto.conf')], env: {}, url };
  return serve(command, folder, () => answers(port));
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
