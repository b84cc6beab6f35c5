import { randomUUID } from 'node:crypto';
import { RedisLogWriter } from '../ingest/log/redis-log-writer.js';
import { settleShards } from '../ingest/log/redis-shards.js';
import { findAccount } from '../devices/redis-accounts.js';
import { claimCredentials, findClaimToken, recordWrongToken } from '../devices/redis-claims.js';
import { DeviceLookup, keepCertified } from '../devices/redis-credentials.js';
import { RegistryFeed } from '../devices/redis-registry-feed.js';
import { messageOf } from '../runtime/app-error.js';
import { failureLimits, FailureThrottle } from '../runtime/failure-throttle.js';
import { connectRedis } from '../runtime/redis-connection.js';
import { startRoleReport } from '../runtime/redis-role-report.js';
import type { RoleContext } from '../runtime/role.js';
import { displayValue } from '../runtime/settings.js';
import { openRights } from './acl.js';
import type { Rights } from './acl.js';
import { sessionMark } from './aedes-persistence.js';
import { assertLoopback } from './assert-loopback.js';
import { createBrokerMetrics } from './broker-metrics.js';
import { ClaimDesk } from './claim-desk.js';
import type { ClientConnection } from './client-connection.js';
import { ConnectRefusal } from './connect-refusal.js';
import { deliverCommands } from './deliver-commands.js';
import { Doorkeeper } from './doorkeeper.js';
import { FrontDoor } from './front-door.js';
import { ProtocolViolation } from './guard/violation.js';
import { hearDevices } from './hear-devices.js';
import { createAdmission } from './limits/admission.js';
import { findFileLimitTrouble } from './limits/file-limit.js';
import type { LimitReason } from './limits/limit-reason.js';
import { PartialPackets } from './limits/partial-packets.js';
import { ClientPaces } from './limits/publish-pace.js';
import { openListeners } from './listeners/open-listeners.js';
import { QueueBudget } from './outbox.js';
import { PublishHook } from './publish-hook.js';
import { ReadGate } from './read-gate.js';
import { Attendance } from './redis-attendance.js';
import { forgetIfRevoked } from './redis-forget-revoked.js';
import { createJudges } from './redis-judges.js';
import { LogSafety } from './redis-log-safety.js';
import { RegisteredDevices } from './redis-registered-devices.js';
import { Ticker } from './redis-ticker.js';
import { RetainedMessages } from './retained-messages.js';
import { SessionWatch } from './session-watch.js';
import { openTrialSession, paceKeyOf } from './session.js';
import { SessionStates } from './session-states.js';
import { SubscribeHook } from './subscribe-hook.js';

/** In open mode nobody reads the log: this many entries a shard are kept. */
const trialLogEntries = 1000;

/**
 * Starts the MQTT front door: devices in, reading log out. One straight function, because the order of the
 * parts is the thing to see; teardown runs it backwards, so that the last reading taken is acknowledged.
 * When `open`, any client may come and use any topic (or what `rightsOf` says): for trials on loopback.
 * @throws AppError `port_taken`, `wrong_shards`, `volatile_redis`, `not_loopback`
 */
export async function startBroker(
  context: RoleContext,
  options: { readonly open?: boolean; readonly rightsOf?: (client: string) => Rights } = {},
): Promise<void> {
  const { settings, clock, log, lifeCycle } = context;
  const { open = false, rightsOf = () => openRights } = options;
  if (open) assertLoopback(settings);
  const commandTimeout = settings.APPEND_TIMEOUT_S * 1000;
  const redis = connectRedis(context.redisUrl, log, { commandTimeout: Math.min(commandTimeout, 5000) });
  lifeCycle.onStop('redis', () => redis.disconnect());
  const logRedis = connectRedis(context.redisUrl, log, { commandTimeout });
  lifeCycle.onStop('log connection', () => logRedis.disconnect());
  const shards = await settleShards(redis, settings.LOG_SHARDS);

  const fileLimit = await findFileLimitTrouble(settings.MQTT_MAX_SOCKETS);
  if (fileLimit !== undefined) log.warn(fileLimit);

  const lookup = new DeviceLookup(redis);
  const gate = new ReadGate<ClientConnection>({
    perClient: settings.INFLIGHT_PER_CLIENT,
    totalBytes: settings.INFLIGHT_BYTES,
  });
  const received = { messages: 0, bytes: 0 };
  const budget = new QueueBudget(settings.QUEUED_BYTES);
  const retained = new RetainedMessages(settings.RETAINED_BYTES);
  const states = new SessionStates(budget, {
    unacknowledged: settings.UNACKNOWLEDGED_PER_CLIENT,
    waiting: settings.QUEUED_PER_CLIENT,
  });
  let lastFailure: string | undefined;
  let stopping = false;
  const metrics = createBrokerMetrics(context.metrics, {
    clients: () => door.openConnections.size,
    bytesInFlight: () => gate.bytesInFlight,
    heldSockets: () => gate.held.size,
    sockets: () => listeners.sockets,
    messages: () => received.messages,
    bytes: () => received.bytes,
    queuedBytes: () => budget.bytes,
    notQueued: () => budget.dropped,
    delayed: () => budget.delayed,
    partialBytes: () => partials.bytes,
    retainedBytes: () => retained.bytes,
    notRetained: () => retained.refused,
    heldRefusals: () => throttle.held,
    rememberedFailures: () => throttle.remembered,
  });
  const onLimited = (reason: LimitReason) => metrics.limited.inc({ reason });
  const partials = new PartialPackets(
    { bytes: settings.PARTIAL_BYTES, timeoutMs: settings.MQTT_PACKET_TIMEOUT_S * 1000 },
    onLimited,
  );
  lifeCycle.onStop('partial packets', () => partials.stop());
  const paces = new ClientPaces({
    messagesPerSecond: settings.MQTT_MAX_RATE,
    bytesPerSecond: settings.MQTT_MAX_BYTES_PER_S,
    burstSeconds: settings.MQTT_BURST_S,
  });
  lifeCycle.onStop('paces', () => paces.stop());
  const writer = new RedisLogWriter(logRedis, {
    onRound: (records, ms) => {
      lastFailure = undefined;
      metrics.rounds.observe(ms / 1000);
      metrics.roundMessages.inc(records);
      // After the callbacks of this round have run.
      setImmediate(() => gate.release());
    },
    keepEntries: open ? trialLogEntries : undefined,
  });
  lifeCycle.onStop('reading log', () => writer.drain());
  const safety = await LogSafety.start({
    redis,
    shownUrl: displayValue('REDIS_URL', context.redisUrl),
    allowVolatile: settings.ALLOW_VOLATILE_REDIS,
    log,
    onChange: (trouble) => (gate.closed = trouble !== undefined),
  });
  lifeCycle.onStop('log safety', () => safety.stop());

  const watch = new SessionWatch({
    judges: createJudges(redis),
    log,
    onDropped: (session) => {
      metrics.dropped.inc();
      forgetIfRevoked(redis, session).catch((error: unknown) =>
        log.warn(`what "${session.client}" retained may still be there: ${messageOf(error)}`),
      );
    },
    recheckMs: settings.RECHECK_S * 1000,
  });
  lifeCycle.onStop('session watch', () => watch.stop());
  const throttle = new FailureThrottle(failureLimits(settings));
  const doorkeeper = new Doorkeeper({
    book: {
      device: (id) => lookup.find(id),
      certified: (id) => keepCertified(redis, id, 'broker'),
      claimToken: (id) => findClaimToken(redis, id),
      wrongToken: (tried) => recordWrongToken(redis, { ...tried, deviceClass: '', via: 'mqtt' }),
      account: (name) => findAccount(redis, name),
    },
    throttle,
    shards,
    clock,
    changes: () => watch.changes,
    log,
  });
  const claimDesk = new ClaimDesk({
    claim: (claim) => claimCredentials(redis, claim),
    throttle,
    log,
    onClaim: (outcome) => metrics.claims.inc({ outcome }),
  });
  const registered = new RegisteredDevices(redis);
  const feed = new RegistryFeed(context.redisUrl, log, (changes) => {
    registered.changed(changes);
    watch.changed(changes);
    doorkeeper.changed();
  });
  lifeCycle.onStop('registry feed', () => feed.stop());

  const commands = deliverCommands(context, redis, () => metrics.commandsSent.inc());
  lifeCycle.onStop('commands', () => commands.stop());

  const broker = randomUUID();
  const attendance = new Attendance({ context, redis, writer, shards, broker });
  const publishHook = new PublishHook({
    log: writer,
    gate,
    clock,
    maxPayloadBytes: settings.MAX_PAYLOAD_BYTES,
    mostQos2: settings.QOS2_PER_CLIENT,
    connectionOf: (client) => door.connectionOf(client),
    onMessage: (bytes) => {
      received.messages++;
      received.bytes += bytes;
    },
    onAnswered: (ms) => metrics.answers.observe(ms / 1000),
    onUnlogged: ({ session }, error) => {
      if (lastFailure === undefined)
        log.error({ client: session?.client }, `not logged, not acknowledged: ${error.message}`);
      lastFailure = `the reading log does not answer: ${error.message}`;
      metrics.unlogged.inc();
      setImmediate(() => gate.release());
    },
    registered,
    claim: (connection, message, done) => claimDesk.take(connection, message, done),
    route: open ? (message) => door.route(message) : undefined,
  });
  const operators = open ? undefined : hearDevices(context, redis, { registered, shards, door: () => door });
  lifeCycle.onStop('operators', () => operators?.stop());
  const subscribeHook = new SubscribeHook({
    listen: (connection) => operators?.listen(connection),
    sendRetained: (connection, granted) => {
      if (operators === undefined) door.sendRetained(connection, granted);
      else operators.sendRetained(connection, granted);
    },
    maxSubscriptions: open ? Infinity : settings.MQTT_MAX_SUBSCRIPTIONS,
    onOverMax: () => onLimited('subscriptions'),
    onRefused: () => metrics.refusals.inc({ reason: 'subscribe' }),
    onGranted: (connection, granted) => commands.delivery.subscribed(connection, granted),
    onRemoved: (connection, filters) => commands.delivery.unsubscribed(connection, filters),
  });
  const door: FrontDoor = new FrontDoor(
    {
      connectTimeout: settings.MQTT_CONNECT_TIMEOUT_S * 1000,
      // MQTT 3.1 has them at most 23 long; ours may be longer in both versions.
      maxClientsIdLength: 255,
      preConnect: (client, packet, callback) => {
        // Commands are redelivered from our own table: a device has no session to be kept.
        packet.clean ||= !open;
        let { keepalive = 0 } = packet;
        if (keepalive === 0 || keepalive > settings.MQTT_MAX_KEEP_ALIVE_S) {
          // The standard lets a server close what it takes for dead, whatever was asked for.
          keepalive = settings.MQTT_MAX_KEEP_ALIVE_S;
          onLimited('keep_alive');
        }
        // Ours to watch: Aedes would close whom we do not read.
        door.connectionOf(client).keepAliveS = keepalive;
        packet.keepalive = 0;
        callback(null, true);
      },
      authenticate: (client, username, password, callback) => {
        const connection = door.connectionOf(client);
        const { certificate } = connection.incoming;
        const attempt = { client, username, password, certificate };
        const since = watch.changes;
        const closed = stopping ? 'this broker is stopping' : safety.noneComesIn;
        if (closed !== undefined) {
          metrics.refusals.inc({ reason: 'not_now' });
          callback(new ConnectRefusal(3, 'not_now', closed), false);
          return;
        }
        const session = open
          ? Promise.resolve(openTrialSession(client.id, rightsOf(client.id), { shards, now: clock.now() }))
          : doorkeeper.admit(attempt, connection.incoming.address);
        session.then(
          (known) => {
            if (connection.ended) return;
            connection.session = known;
            client.id = known.mqttId;
            watch.opened(known, connection, since);
            connection.state = states.open(client.id, client.clean);
            connection.pace = paces.open(paceKeyOf(known));
            metrics.connects.inc();
            callback(null, true);
          },
          (error: unknown) => {
            const refusal =
              error instanceof ConnectRefusal ? error : new ConnectRefusal(3, 'not_now', messageOf(error));
            const { reason, slowed } = refusal;
            metrics.refusals.inc({ reason });
            if (slowed?.slowedBy !== undefined) metrics.slowed.inc({ by: slowed.slowedBy });
            if (slowed?.held === false) onLimited('held_refusals');
            // Of those who come again and again a line each would bury the others.
            const quiet = slowed?.slowedBy !== undefined && !slowed.first;
            log[quiet ? 'debug' : 'info'](
              { client: client.id, address: connection.incoming.address },
              `CONNECT refused: ${refusal.message}${slowed?.first === true ? '; slowed down from now on' : ''}`,
            );
            callback(refusal, false);
          },
        );
      },
      // Asked for what the hook above has granted, and for what a kept session had.
      authorizeSubscribe: (client, subscription, callback) => {
        const { session, state } = door.connectionOf(client);
        const allowed =
          subscription !== sessionMark && session?.rights.maySubscribe(subscription.topic) === true;
        if (!allowed) state?.subscriptions.delete(subscription.topic);
        callback(null, allowed ? subscription : null);
      },
      authorizePublish: (client, packet, callback) => publishHook.onWill(client, packet, callback),
    },
    {
      direct: open,
      states,
      retained,
      limits: {
        connectBytes: settings.MAX_CONNECT_BYTES,
        packetBytes: settings.MAX_PACKET_BYTES,
        outputBytes: settings.OUTPUT_BYTES_PER_CLIENT,
        drainMs: settings.MQTT_DRAIN_TIMEOUT_S * 1000,
      },
      handlers: {
        whyWait: createAdmission(gate, onLimited),
        publish: (connection, message) => {
          connection.pace?.took(message.payload.length + message.topic.length, performance.now());
          publishHook.onPublish(connection, message);
        },
        subscribe: (connection, id, wanted, done) =>
          subscribeHook.subscribe(connection, id, wanted, () => {
            done();
            claimDesk.subscribed(connection);
          }),
        unsubscribe: (connection, id, filters, done) =>
          subscribeHook.unsubscribe(connection, id, filters, done),
        seen: ({ session }) => {
          if (session !== undefined) session.lastSeenAt = clock.now();
        },
        begun: (connection, bytes, anew) => partials.note(connection, bytes, anew),
        opened: (connection) => void attendance.opened(connection),
        ended: (connection, wasOpen) => {
          if (connection.session !== undefined) paces.close(paceKeyOf(connection.session));
          gate.forget(connection);
          operators?.gone(connection);
          commands.delivery.gone(connection);
          if (wasOpen) void attendance.ended(connection);
        },
        skipped: () => metrics.slow.inc({ what: 'message' }),
        stuck: () => metrics.slow.inc({ what: 'connection' }),
        violation: ({ session, incoming: { address } }, violation) => {
          const known = violation instanceof ProtocolViolation;
          metrics.violations.inc({ reason: known ? violation.reason : 'our_mistake' });
          const who = { client: session?.client, address };
          const level = known && session?.account !== undefined ? 'info' : 'debug';
          if (known) log[level](who, `closed for ${violation.reason}: ${violation.message}`);
          else log.error({ ...who, error: violation }, 'a packet could not be handled: a mistake of ours');
        },
      },
    },
  );
  await door.listen();

  door.on('clientError', (client, error) => log.debug({ client: client.id }, error.message));
  door.on('connectionError', (_client, error) => log.debug(error.message));

  const listeners = await openListeners({
    settings,
    log,
    lifeCycle,
    onLimited,
    partials,
    onConnection: (incoming) => door.accept(incoming),
  });
  const ticker = new Ticker({ log: writer, shards, clock, redis, logger: log, owner: broker });
  lifeCycle.onStop('front door', async () => {
    await ticker.stop();
    commands.stop();
    listeners.close();
    // The connections end now because of us: no Will is due and nobody went offline.
    stopping = true;
    publishHook.stop();
    attendance.leave();
    // Read no more, and give the PUBACKs of what was read time to leave.
    for (const connection of door.openConnections) {
      connection.client.will = null;
      connection.stopReading();
    }
    await writer.drain();
    await new Promise((resolve) => setTimeout(resolve, 50));
    listeners.destroy();
    await new Promise<void>((resolve) => door.close(resolve));
    await attendance.stop();
  });
  startRoleReport(context, 'broker', () => safety.trouble ?? lastFailure, {
    warning: () => fileLimit ?? safety.warning,
  });
}
