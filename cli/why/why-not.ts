import { listAlarms } from '../../alerts/redis-alarm-list.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { readPresence } from '../../devices/redis-presence.js';
import type { Reading } from '../../devices/telemetry.js';
import type { Alarm } from '../../rules/alarm.js';
import { Replay } from '../../rules/backtest/replay.js';
import { warmUpMs } from '../../rules/backtest/warm-up.js';
import { referencesOf } from '../../rules/check-references.js';
import { createEngine } from '../../rules/engine/engine.js';
import type { Inspection } from '../../rules/engine/inspect.js';
import { createPrograms } from '../../rules/engine/program.js';
import { isWide } from '../../rules/group-kind.js';
import type { CompiledRule } from '../../rules/rule.js';
import type { Influx } from '../../runtime/influx-connection.js';
import { createDeviceRefs } from '../history/device-refs.js';
import type { NamedDevice } from '../history/device-refs.js';
import { readInfluxHistory } from '../history/influx-history.js';
import type { Surroundings } from '../history/surroundings.js';
import { withRedis } from '../redis-session.js';
import { pickRule } from '../rules/find-rules.js';
import type { Progress } from '../terminal/progress.js';
import { formatTime } from '../terminal/time.js';
import { findNamedDevice } from './find-device.js';

/** How a rule stood for a device at a time. */
export interface WhyNot {
  readonly rule: Pick<
    CompiledRule,
    'id' | 'version' | 'title' | 'mode' | 'file' | 'line' | 'classes' | 'group'
  >;
  readonly device: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** Epoch ms. */
  readonly at: number;
  readonly newest: Pick<Reading, 'ts' | 'm' | 'parts'> | undefined;
  /** The device itself and the parts that the rule is about, or its group; none where there is nothing to judge. */
  readonly found: readonly Inspection[];
  /** What else keeps it from firing, each a sentence. */
  readonly obstacles: readonly string[];
  /** Alarms of the rule that the pipeline had about the device or its groups at that time; undefined: none runs. */
  readonly alarms:
    readonly Pick<Alarm, 'id' | 'severity' | 'raisedAt' | 'clearedAt' | 'shadow'>[] | undefined;
}

/**
 * Judges the history of a device up to a time by one rule, and looks where it stands.
 * @param at undefined: now
 * @throws AppError `unknown_rule`, `unknown_device`, `influx_unreachable`
 */
export async function findWhyNot(
  rules: readonly CompiledRule[],
  ruleId: string,
  deviceId: string,
  at: number | undefined,
  influx: Influx,
  surroundings: Surroundings,
  progress: Progress,
): Promise<WhyNot> {
  const rule = pickRule(rules, ruleId);
  const named = await findNamedDevice(deviceId, surroundings.registry, influx);
  const { site, deviceClass } = named;
  const time = at ?? surroundings.now;
  const alarms = await findAlarms(rule, named, time, surroundings);
  const shared = { rule, device: deviceId, site, deviceClass, at: time, alarms };
  if (!rule.classes.includes(deviceClass)) {
    const obstacle = `The rule is about devices of class ${rule.classes.join(', ')}, and "${deviceId}" is of class ${deviceClass}: it never looks at it.`;
    return { ...shared, newest: undefined, found: [], obstacles: [obstacle] };
  }
  const { found, newest } = await judge(
    withReferences(rule, rules),
    rule,
    named,
    time,
    influx,
    surroundings,
    progress,
  );
  const obstacles = [
    ...modeObstacles(rule),
    ...(found.length === 0
      ? [describeNothing(rule, named, newest, time, surroundings.settings.TIMEZONE)]
      : []),
    ...(at === undefined ? await presenceObstacles(rule, named, surroundings) : []),
  ];
  return { ...shared, newest, found, obstacles };
}

/** What the pipeline itself has recorded, whatever a replay of the history finds. */
async function findAlarms(
  { id: rule, group: kind }: CompiledRule,
  { id, site }: NamedDevice,
  at: number,
  { instance, registry }: Surroundings,
): Promise<WhyNot['alarms']> {
  if (instance === undefined) return undefined;
  const known = await withRedis(instance.redisUrl, async (redis) => [
    ...(await listAlarms(redis, 'all')),
    ...(await listAlarms(redis, 'all', 'shadow')),
  ]);
  const device = registry.devices.get(id);
  const district = registry.sites.get(site)?.district;
  const isAbout = ({ device: about, group, site: where }: Alarm) => {
    if (kind === undefined || group === undefined) return about === id;
    if (kind === 'district') return group.id === district;
    if (where !== site) return false;
    return kind !== 'room' || device === undefined || group.id === device.room;
  };
  return known
    .filter((alarm) => alarm.rule === rule && isAbout(alarm))
    .filter(({ raisedAt, clearedAt = Infinity }) => raisedAt <= at && at < clearedAt)
    .map(({ id: alarm, severity, raisedAt, clearedAt, shadow }) => ({
      id: alarm,
      severity,
      raisedAt,
      clearedAt,
      shadow,
    }));
}

/** The rule, evaluated whatever its mode is, with all rules that it refers to. */
function withReferences(rule: CompiledRule, rules: readonly CompiledRule[]): CompiledRule[] {
  const wanted = new Map<string, CompiledRule>([[rule.id, { ...rule, mode: 'on' }]]);
  for (const each of wanted.values()) {
    for (const id of referencesOf(each)) {
      const other = rules.find((known) => known.id === id);
      if (other !== undefined && !wanted.has(id)) wanted.set(id, other);
    }
  }
  return [...wanted.values()];
}

async function judge(
  rules: readonly CompiledRule[],
  rule: CompiledRule,
  { id, site, deviceClass }: NamedDevice,
  at: number,
  influx: Influx,
  { calendar, registry, settings }: Surroundings,
  progress: Progress,
): Promise<Pick<WhyNot, 'found' | 'newest'>> {
  const from = at - warmUpMs(rules);
  const engine = createEngine(rules, calendar);
  const replay = new Replay(
    [{ engine, onTransitions: () => undefined }],
    from,
    settings.LATENESS_LIMIT_S * 1000,
  );
  // What is compared with others needs these, too: those of the site, or of all sites of a district.
  const kinds = createPrograms(rules)[deviceClass].groupKinds;
  const history = readInfluxHistory({
    influx,
    classes: [deviceClass],
    site: kinds.some(isWide) ? undefined : site,
    device: kinds.length === 0 ? id : undefined,
    from,
    until: at + 1,
    refOf: createDeviceRefs(registry),
  });
  let newest: Reading | undefined;
  for await (const { until, items } of history) {
    for (const item of items) {
      replay.take(item);
      if (item.kind === 'reading' && item.device.id === id) newest = item.reading;
    }
    progress.update(until - from, at - from, formatTime(until, settings.TIMEZONE));
  }
  progress.end();
  replay.passTo(at);
  return { found: engine.inspect(rule.id, id, at, newest ?? { m: {} }), newest };
}

function modeObstacles({ mode }: CompiledRule): string[] {
  if (mode === 'off') return ['The rule is off: it is evaluated here, but not by the pipeline.'];
  return mode === 'shadow'
    ? ['The rule is tried out (mode: shadow): it is recorded, and nobody is alerted.']
    : [];
}

function describeNothing(
  rule: CompiledRule,
  { id }: NamedDevice,
  newest: Reading | undefined,
  at: number,
  timeZone: string,
): string {
  if (newest !== undefined && rule.group !== undefined)
    return `The rule looks at the devices of a ${rule.group}, and nobody registered in which one "${id}" is.`;
  const from = formatTime(at - warmUpMs([rule]), timeZone);
  return `Nothing was heard of "${id}" between ${from} and ${formatTime(at, timeZone)}: there is nothing to judge. Who was not heard for so long is not missed, either.`;
}

async function presenceObstacles(
  rule: CompiledRule,
  { id }: NamedDevice,
  { instance, registry }: Surroundings,
): Promise<string[]> {
  const device = registry.devices.get(id);
  if (!rule.steps.some(({ condition }) => condition.isAboutSilence)) return [];
  if (instance === undefined || device === undefined) return [];
  const { presence } = await withRedis(instance.redisUrl, (redis) => readPresence(redis, device));
  const held =
    presence.state === 'unknown'
      ? ': what it is reached through may be gone itself, so that its silence neither raises nor clears an alarm'
      : presence.state === 'sleeping'
        ? ': it said so, and is not missed'
        : '';
  return [`Its presence is ${presence.state} now${held}. History does not hold presence.`];
}
