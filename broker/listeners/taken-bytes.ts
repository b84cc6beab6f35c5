import type { Socket } from 'node:net';

/**
 * Bytes that the system has taken of what was written to the socket, by whatever is on top of it. `net` itself
 * tells progress by the same two numbers of the handle, and shows neither: `writableLength` stands still
 * until a whole write is through, which of a megabyte for a slow client takes minutes.
 */
export function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
  };
  return (handle?.bytesWritten ?? 0) - (handle?.writeQueueSize ?? 0);
}
