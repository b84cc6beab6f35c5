import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { cannotListen } from '../../runtime/cannot-listen.js';
import type { LifeCycle } from '../../runtime/life-cycle.js';
import type { Logger } from '../../runtime/logger.js';
import { mqttAddresses } from '../../runtime/mqtt-addresses.js';
import type { MqttAddress } from '../../runtime/mqtt-addresses.js';
import type { Settings } from '../../runtime/settings.js';
import type { LimitReason } from '../limits/limit-reason.js';
import type { PartialPackets } from '../limits/partial-packets.js';
import { boundUntilConnect } from './before-connect.js';
import { CertificateFiles } from './certificate-files.js';
import type { ClientCertificate } from './client-certificate.js';
import type { Connection, Guest } from './connection.js';
import { Entrance } from './entrance.js';
import { createTlsLayer } from './tls.js';
import { createWebSocketLayer } from './web-socket.js';

/** A connection that has said nothing for so long is asked by TCP whether its other end still exists. */
const keepAliveMs = 60_000;

/** Headers of the WebSocket frames that a CONNECT may come in. */
const frameHeaderBytes = 1024;

/** What the doors of the broker are told, and whom they tell. */
export interface ListenerParts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly lifeCycle: LifeCycle;
  readonly onConnection: (connection: Connection) => Guest;
  readonly onLimited: (reason: LimitReason) => void;
  /** Told of WebSocket messages that are not complete yet. */
  readonly partials: PartialPackets;
}

/** The open doors of the broker. */
export interface Listeners {
  /** Sockets open now, those without a CONNECT included. */
  readonly sockets: number;
  /** Takes no new connections. */
  close(): void;
  /** Ends all connections at once. */
  destroy(): void;
}

/**
 * Opens every address of the settings. All of them accept plain sockets, counted and given their time to
 * CONNECT; on top come TLS and WebSocket, as the address says.
 * @throws AppError `port_taken`, `bad_certificate`
 */
export async function openListeners(parts: ListenerParts): Promise<Listeners> {
  const { settings, log, lifeCycle, onLimited } = parts;
  const addresses = mqttAddresses(settings);
  const entrance = new Entrance(
    {
      sockets: settings.MQTT_MAX_SOCKETS,
      socketsPerAddress: settings.MQTT_MAX_SOCKETS_PER_ADDRESS,
      connectTimeoutMs: settings.MQTT_CONNECT_TIMEOUT_S * 1000,
    },
    onLimited,
  );
  const servers: Server[] = [];
  const close = () => {
    for (const server of servers) server.close();
  };
  // Of a start that fails half-way, too.
  lifeCycle.onStop('listeners', () => {
    close();
    entrance.destroy();
  });
  const isSecure = addresses.some(({ transport }) => transport === 'tls' || transport === 'wss');
  const files = isSecure ? new CertificateFiles(settings) : undefined;
  for (const address of addresses) {
    const layers = layersFor(address, entrance, files, parts);
    const server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
      (socket) => {
        if (entrance.admit(socket) !== undefined) layers(socket);
      },
    );
    await listen(server, address);
    servers.push(server);
    log.info(`MQTT on ${address.url}`);
  }
  return {
    get sockets() {
      return entrance.sockets;
    },
    close,
    destroy: () => entrance.destroy(),
  };
}

/** What happens to an admitted socket, from the bottom up. */
function layersFor(
  { transport }: MqttAddress,
  entrance: Entrance,
  files: CertificateFiles | undefined,
  { settings, log, lifeCycle, onConnection, onLimited, partials }: ListenerParts,
): (socket: Socket) => void {
  let toldAt = -Infinity;
  // Anybody can be refused as often as they like: the counter has them all, the log one a second.
  const tellRefusal = (what: string) => {
    const now = performance.now();
    log[now - toldAt < 1000 ? 'debug' : 'info'](what);
    if (now - toldAt >= 1000) toldAt = now;
  };
  const handOver = (
    stream: Duplex,
    socket: Socket,
    certificate: ClientCertificate | undefined,
    lift?: () => void,
  ): Guest | undefined => {
    const visit = entrance.visitOf(socket);
    // Gone while its handshake ended.
    if (visit === undefined) {
      stream.destroy();
      return undefined;
    }
    const onConnectRead = () => {
      visit.onConnectRead();
      lift?.();
    };
    const { address, takenBytes } = visit;
    return onConnection({ transport, stream, certificate, address, takenBytes, onConnectRead });
  };
  const secure = (onSecure: (socket: Socket, certificate: ClientCertificate | undefined) => void) => {
    if (files === undefined) throw new Error('TLS without its files');
    const layer = createTlsLayer(files, onSecure, (reason, why) => {
      onLimited(reason);
      tellRefusal(`TLS refused: ${why}`);
    });
    lifeCycle.onStop('certificate files', files.watch(log, layer.use));
    return layer.accept;
  };
  const certificates = new WeakMap<Socket, ClientCertificate>();
  const overWebSocket = () => {
    const refused = (why: string) => {
      onLimited('websocket');
      tellRefusal(`WebSocket refused: ${why}`);
    };
    return createWebSocketLayer(
      settings.MAX_PACKET_BYTES,
      partials,
      (stream, socket) => {
        const lift = boundUntilConnect(socket, settings.MAX_CONNECT_BYTES + frameHeaderBytes, () =>
          refused('too much before CONNECT'),
        );
        return handOver(stream, socket, certificates.get(socket), lift);
      },
      refused,
    );
  };
  switch (transport) {
    case 'tcp':
      return (socket) => void handOver(socket, socket, undefined);
    case 'tls':
      return secure((socket, certificate) => void handOver(socket, socket, certificate));
    case 'ws':
      return overWebSocket();
    case 'wss': {
      const upgrade = overWebSocket();
      return secure((socket, certificate) => {
        if (certificate !== undefined) certificates.set(socket, certificate);
        upgrade(socket);
      });
    }
  }
}

function listen(server: Server, address: MqttAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(address, error)));
    server.listen(address.port, address.host, 1024, resolve);
  });
}
