import { join } from 'node:path';
import pino from 'pino';
import type { Clock } from '../../runtime/clock.js';
import { LifeCycle } from '../../runtime/life-cycle.js';
import { allMqttAddresses, plainAddress } from '../../runtime/mqtt-addresses.js';
import { settleClock } from '../../runtime/redis-clock.js';
import type { Role } from '../../runtime/roles.js';
import { displaySettings } from '../../runtime/settings.js';
import type { Settings } from '../../runtime/settings.js';
import { processIdentity } from '../../runtime/process-identity.js';
import { withRedis } from '../redis-session.js';
import type { Steps } from '../terminal/steps.js';
import { shortPath } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { guardClockKind, prepareDataFolder } from './data-folder.js';
import { lockFolder } from './folder-lock.js';
import { endOrphans } from './orphans.js';
import { assertPortsFree, preflight } from './preflight.js';
import { ProcessTable } from './process-table.js';
import { roleSpecs } from './role-spec.js';
import { readRunRecord } from './run-record.js';
import type { ProcessRecord } from './run-record.js';
import { startStores } from './start-stores.js';

/** The roles in the order of their start; they are stopped the other way round, the front door first. */
const startOrder: readonly Role[] = ['api', 'alerts', 'ingest', 'broker', 'bridge'];

export interface StartOptions {
  readonly steps: Steps;
  /** Aborting it gives the start up; `startPipeline` then rejects when all is stopped again. */
  readonly signal: AbortSignal;
  /** Aborting it ends all children at once, with SIGKILL. @defaultValue never */
  readonly force?: AbortSignal;
  /** @defaultValue all */
  readonly roles?: readonly Role[];
}

/** A pipeline whose processes all run, and are started again when they die. */
export interface Pipeline {
  /** With the addresses of the databases filled in. */
  readonly settings: Settings & { readonly REDIS_URL: string; readonly INFLUX_URL: string };
  readonly clock: Clock;
  readonly processes: readonly ProcessRecord[];
  /** Ends everything in order: what was acknowledged is settled or stays in the log. */
  stop(): Promise<void>;
}

/**
 * Starts the databases (where not given) and the roles, each shown as a step. One straight function, for
 * the order is the thing to see. When it fails or is aborted, what was started is stopped first.
 * @throws AppError with one sentence on what is in the way
 */
export async function startPipeline(settings: Settings, options: StartOptions): Promise<Pipeline> {
  const { steps, signal } = options;
  const folder = settings.DATA_DIR;
  const clockKind = settings.SIM_SPEED === undefined ? 'wall' : 'simulated';
  const roles = startOrder
    .filter((role) => role !== 'bridge' || settings.BRIDGES_FILE !== undefined)
    .filter((role) => options.roles?.includes(role) ?? true);

  await preflight(settings);
  // What a killed pipeline left running may still have our ports.
  const mayHaveLeftovers = readRunRecord(folder) !== undefined;
  const undo = prepareDataFolder(folder);
  if (!mayHaveLeftovers) {
    await assertPortsFree(settings).catch((error: unknown) => {
      undo();
      throw error;
    });
  }
  const unlock = lockFolder(folder);
  const log = pino(
    { level: settings.LOG_LEVEL },
    pino.destination({ dest: join(folder, 'log', 'supervisor.log'), mode: 0o600, sync: true }),
  );
  const lifeCycle = new LifeCycle(log, 60_000);
  lifeCycle.onStop('lock', unlock);
  try {
    await steps.run(
      'Data folder',
      async (say) => {
        guardClockKind(folder, clockKind);
        const left = readRunRecord(folder);
        if (left) say('ending what a killed pipeline left running');
        return endOrphans(left);
      },
      (ended) => shortPath(folder) + (ended.length > 0 ? `; ended leftover ${ended.join(', ')}` : ''),
    );
    if (mayHaveLeftovers) await assertPortsFree(settings);

    const listeners = allMqttAddresses(settings);
    const table = new ProcessTable(
      folder,
      {
        pid: process.pid,
        identity: processIdentity(process.pid),
        clock: clockKind,
        mqtt: plainAddress(listeners),
        listeners: listeners.map(({ url }) => url),
        http: `http://${settings.HTTP_HOST}:${settings.HTTP_PORT}`,
        settings: displaySettings(settings),
      },
      log,
      (line) => steps.note(line),
    );
    lifeCycle.onStop('process table', () => table.close());
    options.force?.addEventListener('abort', () => table.killAll());

    const stores = await startStores(settings, { table, lifeCycle, steps, signal });
    const complete = Object.freeze({
      ...settings,
      REDIS_URL: stores.redis,
      INFLUX_URL: stores.influx.url,
      INFLUX_TOKEN: stores.influx.token,
      INFLUX_ORG: stores.influx.org,
    });
    const clock = await steps.run(
      'Clock',
      () => withRedis(stores.redis, (redis) => settleClock(redis, settings)),
      (settled) => describeClock(settled, settings.TIMEZONE),
    );
    signal.throwIfAborted();

    await steps.run(
      'Roles',
      async (say) => {
        const specs = roles.flatMap((role) => roleSpecs(role, complete));
        const waiting = new Set(specs.map(({ name }) => name));
        const show = () => say(`starting ${[...waiting].join(', ')}`);
        show();
        // All at once, but registered in order: the stop goes the other way round.
        const starts = specs.map((spec) => {
          const child = table.add(spec);
          lifeCycle.onStop(spec.name, () =>
            steps.run(
              'Stopping',
              () => child.stop(),
              () => spec.name,
            ),
          );
          return child.start(signal).then(() => {
            waiting.delete(spec.name);
            if (waiting.size > 0) show();
          });
        });
        const outcomes = await Promise.allSettled(starts);
        const failed = outcomes.find((outcome) => outcome.status === 'rejected');
        if (failed) throw failed.reason;
      },
      () => roles.map((role) => nameRole(role, settings)).join(', '),
    );
    return {
      settings: complete,
      clock,
      get processes() {
        return table.processes;
      },
      stop: () => lifeCycle.stop(),
    };
  } catch (error) {
    await lifeCycle.stop();
    throw error;
  }
}

function nameRole(role: Role, { BROKERS }: Settings): string {
  return role === 'broker' && BROKERS > 1 ? `${BROKERS} brokers` : role;
}

function describeClock(clock: Clock, timezone: string): string {
  const { spec } = clock;
  if (spec.kind === 'wall') return 'wall clock';
  return `simulated, ${spec.speed} times as fast, now ${formatTime(clock.now(), timezone)} ${timezone}`;
}
