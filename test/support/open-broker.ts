import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { Client } from 'aedes';

export interface HeardMessage {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

/** A bare Aedes that keeps nothing, for tests of MQTT clients: what it acknowledged is in `heard`, in order. */
export interface OpenBroker {
  readonly url: string;
  readonly heard: readonly HeardMessage[];
  /** Connected clients. */
  readonly clients: number;
  /** Cuts all connections and listens no more, as a killed broker does. */
  close(): Promise<void>;
  /** Starts anew on the same port; `heard` goes on. */
  reopen(): Promise<void>;
}

/**
 * @param accepts checks the password, @defaultValue all are welcome
 * @param acknowledges whether a message is taken; one that isn't is left without PUBACK
 */
export async function startOpenBroker(
  options: {
    readonly accepts?: (client: string, password: string) => boolean;
    readonly acknowledges?: (message: HeardMessage) => boolean;
  } = {},
): Promise<OpenBroker> {
  const heard: HeardMessage[] = [];
  let current = await open(0, options, heard);
  const { port } = current;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    heard,
    get clients() {
      return current.clients();
    },
    close: () => current.close(),
    reopen: async () => {
      current = await open(port, options, heard);
    },
  };
}

async function open(
  port: number,
  { accepts = () => true, acknowledges = () => true }: NonNullable<Parameters<typeof startOpenBroker>[0]>,
  heard: HeardMessage[],
) {
  const aedes = await Aedes.createBroker({
    authenticate: (client, _username, password, callback) => {
      if (accepts(client.id, password?.toString() ?? '')) callback(null, true);
      else callback(Object.assign(new Error('wrong password'), { returnCode: 4 }), false);
    },
    authorizePublish: (_client: Client | null, packet, callback) => {
      const message = { topic: packet.topic, payload: packet.payload.toString(), retain: packet.retain };
      if (!acknowledges(message)) return;
      heard.push(message);
      callback(null);
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    clients: () => aedes.connectedClients,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}
