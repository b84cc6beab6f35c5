import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { join } from 'node:path';
import { Engine as JsonRulesEngine } from 'json-rules-engine';
import type { DeviceClass } from '../../devices/device-class.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { Reading } from '../../devices/telemetry.js';
import { createCalendar } from '../../rules/calendar.js';
import type { DeviceRef } from '../../rules/device-ref.js';
import { createEngine } from '../../rules/engine/engine.js';
import { createPrograms } from '../../rules/engine/program.js';
import type { Engine } from '../../rules/engine/engine.js';
import { loadRules } from '../../rules/load-rules.js';
import { parseRules } from '../../rules/parse-rules.js';
import type { CompiledRule } from '../../rules/rule.js';
import { projectRoot } from '../../runtime/project-root.js';
import { cityDevices, metricsOfClass } from './city-readings.js';
import { median, rounded, say } from './report.js';
import type { RulesResult } from './rules.js';

// In a process of its own, with the garbage collector set as for the ingest. The engine alone, on one core: the whole catalogue for every device of the city; the same rules in
// json-rules-engine, as far as both can express them; ten times the devices, and ten times the rules.
const start = Date.parse('2026-03-02T10:00:00+08:00');
const minuteMs = 60_000;
const variants = 31;
const tries = 3;

// Memory can only be measured when the garbage is gone.
setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

const metrics = new Map(deviceClasses.map((each) => [each, metricsOfClass(each, variants)]));

interface City {
  readonly devices: readonly DeviceRef[];
  readonly engine: Engine;
  /** Evaluations of a round in which each device reports once. */
  readonly evaluations: number;
  minute: number;
}

function found(campuses: number, rules: readonly CompiledRule[]): City {
  const { devices, timetables } = cityDevices(campuses);
  const calendar = createCalendar({
    timeZone: 'Asia/Shanghai',
    timetable: (site) => timetables.get(site),
    isInMaintenance: () => false,
  });
  const counts = new Map(deviceClasses.map((each) => [each, evaluationsOf(each, rules)]));
  const evaluations = devices.reduce((sum, { deviceClass }) => sum + (counts.get(deviceClass) ?? 0), 0);
  return { devices, engine: createEngine(rules, calendar), evaluations, minute: 0 };
}

/** Rules that a reading of the class moves: those of the device, and those of each part that reports what they need. */
function evaluationsOf(deviceClass: DeviceClass, rules: readonly CompiledRule[]): number {
  const programs = createPrograms(rules);
  const { readingRules } = programs[deviceClass];
  const [{ parts = {} } = { parts: {} }] = metrics.get(deviceClass) ?? [];
  const ofParts = Object.values(parts).map(
    (part) => readingRules.filter(({ metrics: needed }) => needed.some((name) => name in part)).length,
  );
  return [readingRules.length, ...ofParts].reduce((sum, count) => sum + count, 0);
}

/** Every device reports once, all in one minute. @returns seconds that it took */
function playMinute(city: City): number {
  const { devices, engine } = city;
  const at = start + city.minute * minuteMs;
  const began = performance.now();
  for (let i = 0; i < devices.length; i++) {
    const device = devices[i] as DeviceRef;
    const variant = metrics.get(device.deviceClass)?.[(i + city.minute) % variants] as Reading;
    const ts = at + (i % 50) * 1000;
    engine.reading(device, { ts, m: variant.m, parts: variant.parts }, ts);
  }
  city.minute++;
  return (performance.now() - began) / 1000;
}

/** Seconds that a minute of the city takes, in the middle of some, once windows are full. */
function measure(city: City, warmUp = 12, measured = 7): number {
  for (let i = 0; i < warmUp; i++) playMinute(city);
  return median(Array.from({ length: measured }, () => playMinute(city)));
}

const rules = await loadRules(join(projectRoot, 'rules', 'catalogue'));
say(`${rules.length} rules of the catalogue, one reading a minute of each device`);

collectGarbage();
// What is remembered stands in array buffers, beside the heap.
const memoryUsed = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
const memoryBefore = memoryUsed();
const city = found(100, rules);
const seconds = measure(city);
collectGarbage();
const deviceRules = city.devices.reduce(
  (sum, { deviceClass }) => sum + rules.filter(({ classes }) => classes.includes(deviceClass)).length,
  0,
);
const bytesPerDeviceRule = (memoryUsed() - memoryBefore) / deviceRules;
const readingsPerSecond = city.devices.length / seconds;
const evaluationsPerSecond = city.evaluations / seconds;
const costPerEvaluation = seconds / city.evaluations;
say(`  ${city.devices.length} devices: ${rounded(readingsPerSecond)} readings/s`);

const began = performance.now();
const transitions = city.engine.tick(start + city.minute * minuteMs);
const tickMs = performance.now() - began;
say(`  a tick over all of them: ${rounded(tickMs)} ms (${transitions.length} transitions)`);

const checkpoint = measureCheckpoint(city);
say(
  `  a checkpoint of all of them: ${rounded(checkpoint.ms)} ms, ${rounded(checkpoint.bytes / 1e6)} MB; restored in ${rounded(checkpoint.restoreMs)} ms`,
);

const tenfold = found(1000, rules);
const tenfoldSeconds = measure(tenfold, 12, 3);
const costGrowth10xDevices = tenfoldSeconds / tenfold.evaluations / costPerEvaluation;
say(`  ${tenfold.devices.length} devices: ${rounded(tenfold.devices.length / tenfoldSeconds)} readings/s`);

const copies = found(100, multiply(rules, 10));
const copiesSeconds = measure(copies, 12, 3);
const costGrowth10xRules = copiesSeconds / copies.evaluations / costPerEvaluation;
say(`  ten times the rules: ${rounded(copies.evaluations / copiesSeconds)} evaluations/s`);

const comparison = await compare();
say(
  `  json-rules-engine: ${rounded(comparison.theirs)} evaluations/s of plain limits, here ${rounded(comparison.ours)}`,
);

const result: RulesResult = {
  readingsPerSecond,
  evaluationsPerSecond,
  ratioToJsonRulesEngine: comparison.ours / comparison.theirs,
  costGrowth10xDevices,
  costGrowth10xRules,
  bytesPerDeviceRule,
  tickMs,
  checkpointMs: checkpoint.ms,
  checkpointBytes: checkpoint.bytes,
  restoreMs: checkpoint.restoreMs,
};
process.send?.(result);

/** Everything that is remembered as JSON, as after a minute in which all have reported, and back again. */
function measureCheckpoint({ engine }: City): { ms: number; bytes: number; restoreMs: number } {
  const since = performance.now();
  const changes = [...engine.takeChanges()].flatMap(([key, json]) =>
    json === undefined ? [] : [[key, json] as const],
  );
  const ms = performance.now() - since;
  let bytes = 0;
  for (const [key, json] of changes) bytes += key.length + json.length;
  const restored = createEngine(rules);
  const restoredSince = performance.now();
  for (const [key, json] of changes) restored.restore(key, json);
  return { ms, bytes, restoreMs: performance.now() - restoredSince };
}

/** The same rules under other names, each looking at windows of its own. */
function multiply(all: readonly CompiledRule[], times: number): readonly CompiledRule[] {
  return Array.from({ length: times }, (_, copy) =>
    copy === 0 ? all : all.map((rule) => ({ ...rule, id: `${rule.id}-${copy}` })),
  ).flat();
}

/** Plain limits that both can express, on the same readings of sensors, for as many readings as take a second. */
async function compare(): Promise<{ ours: number; theirs: number }> {
  const limits = [
    ['co2_ppm', 1000],
    ['co2_ppm', 1500],
    ['temp_c', 28],
    ['rh_pct', 80],
    ['pm25_ugm3', 75],
    ['hcho_mgm3', 0.08],
    ['lux', 2000 - 1],
    ['laeq_dba', 70],
  ] as const;
  const texts =
    'title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: bench, class: sensor, severity: minor';
  const text = limits.map(
    ([metric, limit], i) => `- { id: r${i}, ${texts}, condition: '${metric} > ${limit} && occupied == 1' }`,
  );
  const own = createEngine(parseRules([{ name: 'bench.yaml', text: text.join('\n') }]));
  const other = new JsonRulesEngine();
  for (const [metric, limit] of limits)
    other.addRule({
      conditions: {
        all: [
          { fact: metric, operator: 'greaterThan', value: limit },
          { fact: 'occupied', operator: 'equal', value: 1 },
        ],
      },
      event: { type: `${metric}-${limit}` },
    });
  const readings = metrics.get('sensor') ?? [];
  const devices = cityDevices(10).devices.filter(({ deviceClass }) => deviceClass === 'sensor');
  let ts = start;
  const runOwn = (count: number) => {
    const since = performance.now();
    for (let i = 0; i < count; i++) {
      if (i % devices.length === 0) ts += minuteMs;
      const { m } = readings[i % readings.length] as Reading;
      own.reading(devices[i % devices.length] as DeviceRef, { ts, m }, ts);
    }
    return (count * limits.length * 1000) / (performance.now() - since);
  };
  const runOther = async (count: number) => {
    const since = performance.now();
    for (let i = 0; i < count; i++) await other.run((readings[i % readings.length] as Reading).m);
    return (count * limits.length * 1000) / (performance.now() - since);
  };
  runOwn(50_000);
  await runOther(1000);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let i = 0; i < tries; i++) pairs.push({ ours: runOwn(300_000), theirs: await runOther(5000) });
  return (
    pairs.sort((a, b) => a.ours / a.theirs - b.ours / b.theirs)[tries >> 1] ?? { ours: NaN, theirs: NaN }
  );
}
