import type { Client, Connection as ClientStream } from 'aedes';
import { RedisLogWriter } from '../ingest/log/redis-log-writer.js';
import { settleShards } from '../ingest/log/redis-shards.js';
import { DeviceLookup, findKnownDevices } from '../devices/redis-credentials.js';
import { RegistryFeed } from '../devices/redis-registry-feed.js';
import { messageOf } from '../runtime/app-error.js';
import { connectRedis } from '../runtime/redis-connection.js';
import { startRoleReport } from '../runtime/redis-role-report.js';
import type { RoleContext } from '../runtime/role.js';
import { authenticateDevice, ConnectRefusal } from './authentication.js';
import { createBrokerMetrics } from './broker-metrics.js';
import { FrontDoor } from './front-door.js';
import { createPublishHook } from './publish-hook.js';
import type { Connection } from './listeners/connection.js';
import { openListeners } from './listeners/open-listeners.js';
import { ReadGate } from './read-gate.js';
import { PresenceKeeper } from './redis-presence.js';
import { Ticker } from './redis-ticker.js';
import { SessionWatch } from './session-watch.js';
import type { Session } from './session.js';

/**
 * Starts the MQTT front door: devices in, reading log out. One straight function, because the order of the
 * parts is the thing to see; teardown runs it backwards, so that the last reading taken is acknowledged.
 * @throws AppError `port_taken`, `wrong_shards`
 */
export async function startBroker(context: RoleContext): Promise<void> {
  const { settings, clock, log, lifeCycle } = context;
  const commandTimeout = settings.APPEND_TIMEOUT_S * 1000;
  const redis = connectRedis(context.redisUrl, log, { commandTimeout: Math.min(commandTimeout, 5000) });
  lifeCycle.onStop('redis', () => redis.disconnect());
  const logRedis = connectRedis(context.redisUrl, log, { commandTimeout });
  lifeCycle.onStop('log connection', () => logRedis.disconnect());
  const shards = await settleShards(redis, settings.LOG_SHARDS);

  const lookup = new DeviceLookup(redis);
  const sessions = new WeakMap<Client, Session>();
  const connections = new WeakMap<ClientStream, Connection>();
  const gate = new ReadGate({ perClient: settings.INFLIGHT_PER_CLIENT, totalBytes: settings.INFLIGHT_BYTES });
  const received = { messages: 0, bytes: 0 };
  let lastFailure: string | undefined;
  const metrics = createBrokerMetrics(context.metrics, {
    clients: () => door.connectedClients,
    bytesInFlight: () => gate.bytesInFlight,
    heldSockets: () => gate.heldSockets,
    sockets: () => listeners.sockets,
    messages: () => received.messages,
    bytes: () => received.bytes,
  });
  const writer = new RedisLogWriter(logRedis, (records, ms) => {
    lastFailure = undefined;
    metrics.rounds.observe(ms / 1000);
    metrics.roundMessages.inc(records);
    // After the callbacks of this round have run.
    setImmediate(() => gate.release());
  });
  lifeCycle.onStop('reading log', () => writer.drain());

  const watch = new SessionWatch({
    find: (ids) => findKnownDevices(redis, ids),
    log,
    onDropped: () => metrics.dropped.inc(),
    recheckMs: settings.RECHECK_S * 1000,
  });
  lifeCycle.onStop('session watch', () => watch.stop());
  const feed = new RegistryFeed(context.redisUrl, log, (changes) => watch.changed(changes));
  lifeCycle.onStop('registry feed', () => feed.stop());

  const door = new FrontDoor({
    connectTimeout: settings.MQTT_CONNECT_TIMEOUT_S * 1000,
    drainTimeout: 5000,
    maxClientsIdLength: 64,
    // Commands are redelivered from our own table; a stored session would only keep what was denied.
    preConnect: (client, packet, callback) => {
      connections.get(client.conn)?.onConnectRead();
      packet.clean = true;
      callback(null, true);
    },
    authenticate: (client, username, password, callback) => {
      const since = watch.changes;
      authenticateDevice({ client, username, password }, (id) => lookup.find(id), shards, clock.now()).then(
        (session) => {
          sessions.set(client, session);
          watch.opened(session, client.conn, since);
          gate.guard(client.conn, () => session.inFlight);
          metrics.connects.inc();
          callback(null, true);
        },
        (error: unknown) => {
          const refusal = error instanceof ConnectRefusal ? error : new ConnectRefusal(3, messageOf(error));
          metrics.refusals.inc({ reason: `connect_${refusal.returnCode}` });
          log.info(
            { client: client.id, address: connections.get(client.conn)?.address },
            `CONNECT refused: ${refusal.message}`,
          );
          callback(refusal, false);
        },
      );
    },
    authorizeSubscribe: (client, subscription, callback) => {
      const allowed = subscription.topic === sessions.get(client)?.commandTopic;
      if (!allowed) metrics.refusals.inc({ reason: 'subscribe' });
      callback(null, allowed ? { ...subscription, qos: Math.min(subscription.qos, 1) as 0 | 1 } : null);
    },
    authorizeForward: (client, packet) => {
      return packet.topic === sessions.get(client)?.commandTopic ? packet : null;
    },
    authorizePublish: createPublishHook({
      log: writer,
      gate,
      clock,
      maxPayloadBytes: settings.MAX_PAYLOAD_BYTES,
      sessionOf: (client) => sessions.get(client),
      onMessage: (bytes) => {
        received.messages++;
        received.bytes += bytes;
      },
      onUnlogged: (client, error) => {
        if (lastFailure === undefined)
          log.error({ client: client.id }, `not logged, not acknowledged: ${error.message}`);
        lastFailure = `the reading log does not answer: ${error.message}`;
        metrics.unlogged.inc();
        setImmediate(() => gate.release());
      },
    }),
  });
  await door.listen();

  const presence = new PresenceKeeper(redis, clock, log);
  const record = (client: Client, online: boolean) => {
    const session = sessions.get(client);
    if (session === undefined) return;
    if (online) presence.connected(session);
    else presence.disconnected(session);
    writer.append(
      session.shard,
      { kind: 'presence', arrivedAt: clock.now(), client: session.device, online },
      () => undefined,
    );
  };
  const onReady = (client: Client) => record(client, true);
  const onGone = (client: Client) => record(client, false);
  door.on('clientReady', onReady).on('clientDisconnect', onGone);
  door.on('clientError', (client, error) => log.debug({ client: client.id }, error.message));
  door.on('connectionError', (_client, error) => log.debug(error.message));

  const listeners = await openListeners({
    settings,
    log,
    lifeCycle,
    onLimited: (reason) => metrics.limited.inc({ reason }),
    onConnection: (connection) => {
      connections.set(connection.stream, connection);
      door.handle(connection.stream);
    },
  });
  const ticker = new Ticker(writer, shards, clock, redis, log);
  lifeCycle.onStop('front door', async () => {
    ticker.stop();
    listeners.close();
    // The connections end now because of us: no Will is due and nobody went offline.
    door.off('clientReady', onReady).off('clientDisconnect', onGone);
    for (const client of connectedClients(door)) {
      client.will = null;
      // Read no more, and give the PUBACKs of what was read time to leave.
      client.conn.pause().removeAllListeners('readable');
    }
    await writer.drain();
    await new Promise((resolve) => setTimeout(resolve, 50));
    listeners.destroy();
    await new Promise<void>((resolve) => door.close(resolve));
    await presence.stop();
  });
  startRoleReport(context, 'broker', () => lastFailure);
}

/** Aedes keeps its clients by id, and their Wills, but declares neither. */
function connectedClients(door: FrontDoor): (Client & { will: unknown })[] {
  return Object.values((door as unknown as { clients: Record<string, Client & { will: unknown }> }).clients);
}
