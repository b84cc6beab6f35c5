import { join } from 'node:path';
import { deviceClasses } from '../../devices/device-class.js';
import { createDecoder } from '../../ingest/stages/decode.js';
import { Backtest } from '../../rules/backtest/backtest.js';
import { timeOf } from '../../rules/backtest/history.js';
import type { HistoryItem } from '../../rules/backtest/history.js';
import { createCalendar } from '../../rules/calendar.js';
import { createEngine } from '../../rules/engine/engine.js';
import { loadRules } from '../../rules/load-rules.js';
import { projectRoot } from '../../runtime/project-root.js';
import { cityDevices, metricsOfClass } from './city-readings.js';
import { report, rounded, say } from './report.js';

// An hour (`--hours=24`: a day) of a city of 100 campuses (17,200 devices, a reading a minute) through the shipped rules, as `campus backtest`
// plays it, with a tick every ten seconds; and, for some minutes of it, as the live ingest does: decoded from the bytes
// of each message, with a tick a second. Making up the readings is not in the time of either.
const hours = Number(process.argv.find((arg) => arg.startsWith('--hours='))?.slice(8) ?? 1);
const liveMinutes = 5;
const start = Date.parse('2026-03-02T00:00:00+08:00');
const minuteMs = 60_000;

const { devices, timetables } = cityDevices(100);
const refs = new Map(devices.map((device) => [device.id, device]));
const variants = Object.fromEntries(deviceClasses.map((each) => [each, metricsOfClass(each, 97)]));
const calendar = createCalendar({
  timeZone: 'Asia/Shanghai',
  timetable: (site) => timetables.get(site),
  isInMaintenance: () => false,
});
const rules = await loadRules(join(projectRoot, 'rules', 'catalogue'));

say(`${devices.length} devices, ${rules.length} rules, ${hours} h`);
const liveReadingsPerSecond = runLive();
const period = { from: start, until: start + hours * 60 * minuteMs };
const backtest = new Backtest({ rules, calendar, period, warmUpFrom: start, latenessMs: 900_000 });
let seconds = 0;
for (let minute = 0; minute < hours * 60; minute++) {
  const items = readingsOf(minute);
  const startedAt = performance.now();
  for (const item of items) backtest.take(item);
  seconds += (performance.now() - startedAt) / 1000;
  if (minute % 120 === 119)
    say(`  ${(minute + 1) / 60} h: ${Math.round(backtest.progress.readings / seconds)} readings/s`);
}
const endingAt = performance.now();
const { load } = backtest.finish(1);
seconds += (performance.now() - endingAt) / 1000;
const { readings } = backtest.progress;
const readingsPerSecond = Math.round(readings / seconds);
const ratioToLive = rounded(readingsPerSecond / liveReadingsPerSecond);
const timesFaster = Math.round((hours * 3600) / seconds);
report(
  { readingsPerSecond, ratioToLive, liveReadingsPerSecond, readings, seconds: rounded(seconds), timesFaster },
  [
    `${readingsPerSecond} readings/s: ${readings} readings in ${seconds.toFixed(1)} s, ${timesFaster} times as fast as they came; ${load.calls} alarms`,
    `${ratioToLive} times the live path (decode and judge, a tick a second): ${liveReadingsPerSecond} readings/s`,
  ],
);

/** Readings a second of the live path, without its stores. */
function runLive(): number {
  const engine = createEngine(rules, calendar);
  const decode = createDecoder({ latenessMs: 900_000, futureMs: 300_000, maxAgeMs: 86_400_000 }, new Map());
  let count = 0;
  let spentMs = 0;
  // Not counted: the first minute, in which everything is new.
  for (let minute = 0; minute <= liveMinutes; minute++) {
    const records = readingsOf(minute).flatMap((item) => {
      if (item.kind !== 'reading') return [];
      const { id, site, deviceClass } = item.device;
      const topic = `campus/v1/${site}/${deviceClass}/${id}/telemetry`;
      const payload = Buffer.from(JSON.stringify(item.reading));
      return [{ kind: 'message' as const, arrivedAt: item.reading.ts, client: id, topic, payload }];
    });
    let tickAt = start + minute * minuteMs;
    const startedAt = performance.now();
    for (const record of records) {
      for (; tickAt < record.arrivedAt; tickAt += 1000) engine.tick(tickAt);
      for (const decoded of decode(record)) {
        const device = decoded.kind === 'reading' ? refs.get(decoded.topic.device) : undefined;
        if (decoded.kind !== 'reading' || device === undefined)
          throw new Error(`the bench made a wrong reading: ${JSON.stringify(decoded)}`);
        engine.reading(device, decoded.reading, record.arrivedAt);
      }
    }
    if (minute === 0) continue;
    spentMs += performance.now() - startedAt;
    count += records.length;
  }
  return Math.round((1000 * count) / spentMs);
}

/** What all devices measure in a minute, in order. */
function readingsOf(minute: number): HistoryItem[] {
  return devices
    .map((device, i): HistoryItem => {
      const ofClass = variants[device.deviceClass] ?? [];
      const ts = start + minute * minuteMs + (i % 60) * 1000;
      return { kind: 'reading', device, reading: { ts, m: {}, ...ofClass[(i + minute) % ofClass.length] } };
    })
    .sort((a, b) => timeOf(a) - timeOf(b));
}
