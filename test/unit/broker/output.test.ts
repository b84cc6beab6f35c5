import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { takenBytes } from '../../../broker/listeners/taken-bytes.js';
import { Output } from '../../../broker/output.js';
import { eventually } from '../../support/eventually.js';

describe('a client that does not keep up', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** An output whose client has not taken all by far. */
  function congested() {
    const client = { taken: 0, stuck: 0 };
    const stream = new PassThrough({ highWaterMark: 10 });
    const output = new Output(stream, 1000, () => client.taken, {
      congested: () => undefined,
      drained: () => undefined,
      stuck: () => client.stuck++,
    });
    output.send(Buffer.alloc(100_000));
    expect(output.congested).toBe(true);
    return { client, stream, output };
  }

  test('is given up when nothing of what waits for it leaves', async () => {
    const { client } = congested();
    await vi.advanceTimersByTimeAsync(999);
    expect(client.stuck).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(client.stuck).toBe(1);
  });

  test('is not given up while it takes some, however little, and is when it takes no more', async () => {
    const { client } = congested();
    for (let i = 0; i < 100; i++) {
      await vi.advanceTimersByTimeAsync(900);
      client.taken++;
    }
    expect(client.stuck).toBe(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(client.stuck).toBe(1);
  });

  test('is not given up once it has taken everything', async () => {
    const { client, stream, output } = congested();
    stream.resume();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(output.congested).toBe(false);
    expect(client.stuck).toBe(0);
  });
});

test('what the system takes of one large write shows while the other side reads it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  const size = 64 * 1024 * 1024;
  socket.write(Buffer.alloc(size));
  await eventually('something to be taken', () => takenBytes(socket) > 0);
  const before = takenBytes(socket);
  expect(before).toBeLessThan(size);
  expect(socket.writableLength).toBe(size);
  let read = 0;
  reader.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > size / 2) reader.pause();
  });
  reader.resume();
  await eventually('more to be taken', () => takenBytes(socket) > before);
  await eventually('half of it to be read', () => read > size / 2);
  // Node itself shows nothing of it until the whole write is through.
  expect(socket.writableLength).toBe(size);
  reader.destroy();
  socket.destroy();
  server.close();
});
