import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy that does something in the middle of what a client sends. */
export interface CountingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Forwards connections to a port on this machine. When all of them together have sent `bytes`, `onReached` is
 * called, and nothing more is forwarded.
 */
export async function startCountingProxy(
  toPort: number,
  bytes: number,
  onReached: () => void,
): Promise<CountingProxy> {
  let left = bytes;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(toPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => [client, target].forEach((each) => each.destroy()));
    }
    target.pipe(client);
    client.on('data', (chunk: Buffer) => {
      if (left <= 0) return;
      target.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) onReached();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
