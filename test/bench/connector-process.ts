import { connect } from 'node:net';
import { connectPacket } from './connect-packet.js';
import type { PublishOrder } from './publisher.js';

/** What a connector process is asked to do. */
export interface ConnectOrder {
  readonly port: number;
  readonly clients: readonly Omit<PublishOrder['devices'][number], 'topic'>[];
  /** CONNECTs without their CONNACK at a time. */
  readonly window: number;
  /** Connections from one 127.0.0.x, as from one school behind NAT. */
  readonly perAddress: number;
}

/** What it did; its connections stay open until it ends. */
export interface ConnectResult {
  readonly seconds: number;
  readonly p99Ms: number;
}

// Connects all clients, each with its password, and keeps them connected until it is told to end.
process.once('message', (order: ConnectOrder) => {
  connectAll(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
  );
});
process.on('SIGTERM', () => process.exit(0));

async function connectAll({ port, clients, window, perAddress }: ConnectOrder): Promise<ConnectResult> {
  const latencies: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  const lane = async () => {
    for (let i = next++; i < clients.length; i = next++) {
      const client = clients[i];
      if (client === undefined) return;
      const before = performance.now();
      await connectOne(port, `127.0.0.${1 + Math.floor(i / perAddress)}`, client);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  return { seconds, p99Ms: latencies[Math.floor(0.99 * latencies.length)] ?? 0 };
}

function connectOne(
  port: number,
  localAddress: string,
  { clientId, password }: ConnectOrder['clients'][number],
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  socket.write(connectPacket({ clientId, password }, 600));
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Error(`the broker closed the connection of ${clientId}`));
    socket.once('error', reject).once('close', onClose);
    socket.once('data', (connack: Buffer) => {
      socket.off('close', onClose);
      if (connack[3] === 0) resolve();
      else reject(new Error(`CONNECT of ${clientId} refused with ${connack[3]}`));
    });
  });
}
