import { findAction } from '../../devices/action-check.js';
import type { Command } from '../../devices/command.js';
import type { Device } from '../../devices/device.js';
import { localTime } from '../../devices/local-time.js';
import { devicesWithOpenCommands, openCommandsOf } from '../../devices/redis-command-list.js';
import type { KeptPresence } from '../../devices/presence.js';
import { loadRegistry } from '../../devices/redis-registry-snapshot.js';
import type { RegistrySnapshot } from '../../devices/redis-registry-snapshot.js';
import { shardOf } from '../../devices/site.js';
import { isExamAt, phaseAt } from '../../devices/timetable.js';
import type { Alarm } from '../../rules/alarm.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import type { ControlScene } from './guards.js';

const seriousMs = 5000;

/** The city as guards ask about it. The registry and the serious alarms are read again only when they may be others. */
export class RedisCity {
  readonly #redis: Redis;
  readonly #timeZone: string;
  #snapshot: RegistrySnapshot | undefined;
  /** The devices of the snapshot by site and class: a group command asks for those of each of its devices. */
  #peers = new Map<string, Device[]>();
  readonly #serious = new Map<number, { readonly readAt: number; readonly devices: ReadonlySet<string> }>();

  constructor(redis: Redis, timeZone: string) {
    this.#redis = redis;
    this.#timeZone = timeZone;
  }

  async registry(): Promise<RegistrySnapshot['registry']> {
    const version = (await this.#redis.get(redisKeys.registryVersion)) ?? '';
    if (this.#snapshot?.version !== version) {
      this.#snapshot = await loadRegistry(this.#redis);
      this.#peers = new Map();
      for (const device of this.#snapshot.registry.devices.values()) {
        const peers = this.#peers.get(classAtSite(device));
        if (peers === undefined) this.#peers.set(classAtSite(device), [device]);
        else peers.push(device);
      }
    }
    return this.#snapshot.registry;
  }

  /** What guards have to know for a command to this device. @param now pipeline time, epoch ms */
  async sceneFor(device: Device, now: number): Promise<ControlScene> {
    const registry = await this.registry();
    const peers = this.#peers.get(classAtSite(device)) ?? [];
    const [lately, underway, unwell] = await Promise.all([
      this.#redis.hget(redisKeys.commandsLately, device.id),
      this.#underway(),
      this.#unwell(peers),
    ]);
    const timetable = registry.timetables.get(device.site);
    const roommates = new Set(
      peers.filter(({ id, room }) => id !== device.id && room === device.room).map(({ id }) => id),
    );
    return {
      now,
      phase: timetable && phaseAt(timetable, now, this.#timeZone),
      isExam: timetable !== undefined && isExamAt(timetable, now, this.#timeZone),
      hour: Math.floor(localTime(now, this.#timeZone).minute / 60),
      lately: lately === null ? [] : (JSON.parse(lately) as number[]),
      underway: underway.flatMap((id) => (id === device.id ? [] : (registry.devices.get(id) ?? []))),
      classSize: peers.length,
      unwell,
      unwellRoommates: unwell.filter((id) => roommates.has(id)),
    };
  }

  async #underway(): Promise<string[]> {
    const open = await openCommandsOf(this.#redis, await devicesWithOpenCommands(this.#redis));
    return [...open].flatMap(([id, commands]) => (commands.some(counts) ? [id] : []));
  }

  async #unwell(peers: readonly Device[]): Promise<string[]> {
    const [first] = peers;
    const shards = await readShardCount(this.#redis);
    if (first === undefined || shards === 0) return [];
    const shard = shardOf(first.site, shards);
    const [presences, serious] = await Promise.all([
      this.#redis.hmget(redisKeys.presence(shard), ...peers.map(({ id }) => id)),
      this.#seriousAlarms(shard),
    ]);
    return peers.flatMap(({ id }, i) => {
      const json = presences[i];
      const state = typeof json === 'string' ? (JSON.parse(json) as KeptPresence).state : undefined;
      return state === 'offline' || state === 'stale' || serious.has(id) ? [id] : [];
    });
  }

  async #seriousAlarms(shard: number): Promise<ReadonlySet<string>> {
    const known = this.#serious.get(shard);
    if (known !== undefined && performance.now() - known.readAt < seriousMs) return known.devices;
    const rows = await this.#redis.hvals(redisKeys.alarms(shard));
    const alarms = rows.map((json) => JSON.parse(json) as Alarm);
    const devices = new Set(
      alarms.flatMap(({ severity, device }) =>
        (severity === 'critical' || severity === 'major') && device !== undefined ? [device] : [],
      ),
    );
    this.#serious.set(shard, { readAt: performance.now(), devices });
    return devices;
  }
}

function classAtSite({ site, deviceClass }: Device): string {
  return `${site}/${deviceClass}`;
}

function counts({ deviceClass, action }: Command): boolean {
  return findAction(deviceClass, action)?.harmless !== true;
}
