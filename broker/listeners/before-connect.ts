import type { Socket } from 'node:net';

/**
 * Ends a WebSocket connection that sends more than so much before the CONNECT in it has been read: of a
 * frame that isn't complete, `ws` keeps everything. Returns what lifts it.
 */
export function boundUntilConnect(socket: Socket, maxBytes: number, onExceeded: () => void): () => void {
  let bytes = 0;
  let connected = false;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return;
    // What came together with a whole CONNECT is fine: give it the time to be read.
    setImmediate(() => {
      if (connected || socket.destroyed) return;
      onExceeded();
      socket.destroy();
    });
  };
  socket.on('data', count);
  return () => {
    connected = true;
    socket.off('data', count);
  };
}
