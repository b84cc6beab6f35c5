import { createServer, STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { PartialPackets } from '../limits/partial-packets.js';
import type { Guest } from './connection.js';
import { webSocketPath } from '../../runtime/mqtt-addresses.js';

/** Pieces that a client may cut one message into. */
const mostFragments = 256;

/** `mqttv3.1` is what clients older than the standard say. */
const subprotocols = ['mqtt', 'mqttv3.1'];

/**
 * MQTT over WebSocket on accepted sockets (plain or TLS): path `/mqtt`, subprotocol `mqtt`, binary frames.
 * @param maxFrameBytes a larger frame ends the connection
 * @param partials told of messages that are not complete yet: `ws` keeps what has come of them
 * @param onOpen the upgrade is done; the stream carries the bytes of MQTT. Returns who comes, unless gone already
 * @param onRefused it was no proper upgrade
 */
export function createWebSocketLayer(
  maxFrameBytes: number,
  partials: PartialPackets,
  onOpen: (stream: Duplex, socket: Socket) => Guest | undefined,
  onRefused: (why: string) => void,
): (socket: Socket) => void {
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    // Each piece of a message costs an object, however small it is.
    maxFragments: mostFragments,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  const server = createServer({ maxHeaderSize: 8192 }, (_request, response) => {
    onRefused('not a WebSocket upgrade');
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
  });
  server.on('clientError', (error, socket) => {
    onRefused(error.message);
    socket.destroy();
  });
  server.on('upgrade', (request, socket, head) => {
    if (!(socket instanceof Socket)) throw new TypeError('an upgrade of what was not accepted here');
    const wrong = whatIsWrong(request);
    if (wrong !== undefined) {
      onRefused(wrong.why);
      socket.end(
        `HTTP/1.1 ${wrong.status} ${STATUS_CODES[wrong.status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        () => socket.destroy(),
      );
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      // Before the stream's own listener: what is not MQTT must not be read as such. [MQTT-6.0.0-1]
      webSocket.on('message', (_data, isBinary) => {
        if (!isBinary) stream.destroy();
      });
      watchPartials(webSocket, socket, partials, () => guest?.isKnown === true);
      const stream = createWebSocketStream(webSocket);
      // Asked for when bytes come, which is later.
      const guest = onOpen(stream, socket);
    });
  });
  return (socket) => server.emit('connection', socket);
}

function whatIsWrong(
  request: IncomingMessage,
): { readonly status: number; readonly why: string } | undefined {
  const path = request.url?.split('?')[0];
  if (path !== webSocketPath) return { status: 404, why: `the path is not ${webSocketPath}` };
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  if (!subprotocols.some((name) => offered.includes(name))) {
    return { status: 400, why: 'the subprotocol mqtt is not offered' };
  }
  return undefined;
}

/** Counts what has come since the last whole message or control frame. */
function watchPartials(
  webSocket: WebSocket,
  socket: Socket,
  partials: PartialPackets,
  isKnown: () => boolean,
): void {
  const receiver = {
    get isHeld() {
      return socket.isPaused();
    },
    get isKnown() {
      return isKnown();
    },
    destroy: () => void socket.destroy(),
  };
  let bytes = 0;
  const note = (now: number) => {
    if (now === 0 && bytes === 0) return;
    bytes = now;
    partials.note(receiver, bytes, false);
  };
  // Before the listener of `ws`, which tells of what is complete within its own.
  socket.prependListener('data', (chunk: Buffer) => note(bytes + chunk.length));
  for (const whole of ['message', 'ping', 'pong', 'close'] as const) webSocket.on(whole, () => note(0));
  socket.once('close', () => note(0));
}
