import { loadProfiles } from '../../devices/profiles/load-profiles.js';
import { RegistryFeed } from '../../devices/redis-registry-feed.js';
import { shardOf } from '../../devices/site.js';
import { clientOfBridge } from '../../ingest/log/bridge-name.js';
import { RedisLogWriter } from '../../ingest/log/redis-log-writer.js';
import { settleShards } from '../../ingest/log/redis-shards.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { connectRedis } from '../../runtime/redis-connection.js';
import { startRoleReport } from '../../runtime/redis-role-report.js';
import type { RoleContext } from '../../runtime/role.js';
import { BridgeBeat } from '../bridge-beat.js';
import { RegisteredDevices } from '../redis-registered-devices.js';
import { createBridgeMetrics } from './bridge-metrics.js';
import { BridgeFollower } from './follow-bridge.js';
import { takeIn } from './intake.js';
import type { Delivered, IntakeParts } from './intake.js';
import { readBridges } from './read-bridges.js';
import { readSecrets } from './read-secrets.js';
import { BridgeMemory } from './redis-bridge-memory.js';
import { SparkplugHost } from './sparkplug-host.js';

/**
 * Starts the bridges: what other brokers have goes into the reading log, and is acknowledged there when it is
 * on disk.
 * @throws AppError `no_bridges`, `bad_bridges`, `wrong_shards`; the problems of profiles
 */
export async function startBridges(context: RoleContext): Promise<void> {
  const { settings, clock, log, lifeCycle } = context;
  const profiles = await loadProfiles(settings.PROFILES_DIR);
  const file = settings.BRIDGES_FILE;
  if (file === undefined) {
    throw new AppError('no_bridges', 'No other broker is named: set BRIDGES_FILE to a YAML file of bridges.');
  }
  const bridges = await readBridges(file, profiles);
  const secrets = await Promise.allSettled(bridges.map((bridge) => readSecrets(bridge, file, process.env)));
  const commandTimeout = settings.APPEND_TIMEOUT_S * 1000;
  const redis = connectRedis(context.redisUrl, log, { commandTimeout: Math.min(commandTimeout, 5000) });
  lifeCycle.onStop('redis', () => redis.disconnect());
  const logRedis = connectRedis(context.redisUrl, log, { commandTimeout });
  lifeCycle.onStop('log connection', () => logRedis.disconnect());
  const shards = await settleShards(redis, settings.LOG_SHARDS);
  const registered = new RegisteredDevices(redis);
  const feed = new RegistryFeed(context.redisUrl, log, (changes) => registered.changed(changes));
  lifeCycle.onStop('registry feed', () => feed.stop());
  const writer = new RedisLogWriter(logRedis);
  lifeCycle.onStop('reading log', () => writer.drain());

  /** Bridges that can not be followed until somebody mends what they name, and why. */
  const broken = new Map<string, string>();
  const followers = new Map<string, BridgeFollower>();
  const beats: BridgeBeat[] = [];
  const metrics = createBridgeMetrics(context.metrics, function* () {
    for (const [bridge, { trouble, flow }] of followers)
      yield { bridge, connected: trouble === undefined, inFlight: flow.messages };
    for (const bridge of broken.keys()) yield { bridge, connected: false, inFlight: 0 };
  });
  for (const [i, bridge] of bridges.entries()) {
    const { name } = bridge;
    const label = { bridge: name };
    const own = secrets[i];
    if (own?.status !== 'fulfilled') {
      const why = `${messageOf(own?.reason)} The others go on; start it anew when that is mended.`;
      broken.set(name, why);
      log.error(label, why);
      continue;
    }
    const memory = new BridgeMemory(redis, name);
    const isSparkplug = bridge.subscriptions.some(({ profile }) => profile.name === 'sparkplug');
    const host = isSparkplug ? new SparkplugHost(await memory.births()) : undefined;
    const intake: IntakeParts = {
      bridge,
      host,
      standing: (devices, site) => registered.standing(devices, site),
      maxPayloadBytes: settings.MAX_PAYLOAD_BYTES,
      onSparkplug: ({ missing, born, rebirth }) => {
        if (missing > 0) metrics.sequenceGaps.inc(label, missing);
        if (born !== undefined) {
          // Where it is lost the node is asked for its birth again.
          memory
            .keepBirth(born.node, born.birth)
            .catch((error: unknown) => log.warn(label, `a birth is not kept: ${messageOf(error)}`));
        }
        if (rebirth !== undefined) {
          metrics.rebirths.inc(label);
          follower.publish(rebirth.topic, rebirth.payload);
        }
      },
    };
    const take = async (message: Delivered, done: (error?: Error) => void) => {
      const taken = await takeIn(intake, message, clock.now());
      if (taken.kind === 'nothing') {
        metrics.ignored.inc({ ...label, why: taken.why });
        done();
        follower.progressed();
        return;
      }
      writer.append(shardOf(taken.site, shards), taken.record, (error) => {
        done(error);
        if (error === undefined) {
          metrics.messages.inc(label);
          follower.progressed();
        } else metrics.unacknowledged.inc(label);
      });
    };
    const follower = new BridgeFollower({
      bridge,
      secrets: own.value,
      memory,
      log,
      take,
      most: { messages: settings.INFLIGHT_PER_CLIENT, bytes: settings.INFLIGHT_BYTES },
      onConnected: () => host?.forgetNumbers(),
    });
    followers.set(name, follower);
    const isConnected = () => follower.trouble === undefined;
    const sites = bridge.subscriptions.map(({ site }) => site);
    beats.push(
      new BridgeBeat({ client: clientOfBridge(name), sites, isConnected, log: writer, shards, clock }),
    );
  }
  lifeCycle.onStop('bridges', async () => {
    for (const beat of beats) beat.stop();
    for (const follower of followers.values()) follower.stopReading();
    await writer.drain();
    // The acknowledgements of what was read have to leave.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([...followers.values()].map((follower) => follower.stop()));
  });
  startRoleReport(context, 'bridge', () => describeTrouble(followers, broken));
  log.info(`bridges: ${bridges.map(({ name, url }) => `${name} (${url})`).join(', ')}`);
}

function describeTrouble(
  followers: ReadonlyMap<string, BridgeFollower>,
  broken: ReadonlyMap<string, string>,
): string | undefined {
  const failing = [...followers].flatMap(([name, { trouble }]) =>
    trouble === undefined ? [] : [`bridge "${name}": ${trouble}`],
  );
  const sentences = [...broken.values(), ...failing];
  return sentences.length === 0 ? undefined : sentences.join('; ');
}
