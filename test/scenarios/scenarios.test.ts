import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeviceClass } from '../../devices/device-class.js';
import type { MetricValue } from '../../devices/telemetry.js';
import type { Transition } from '../../rules/alarm.js';
import type { Engine } from '../../rules/engine/engine.js';
import { createEngine } from '../../rules/engine/engine.js';
import { loadRules } from '../../rules/load-rules.js';
import { parseRules } from '../../rules/parse-rules.js';

/**
 * A line of readings.ndjson: a reading (arrived at once, if it doesn't say when), a sign of life, a tick, or
 * the front door opening. Times are written with their zone.
 */
interface Line {
  readonly at?: string;
  readonly arrived?: string;
  readonly seen?: string;
  readonly tick?: string;
  readonly opened?: string;
  readonly device?: string;
  readonly class?: DeviceClass;
  readonly m?: Record<string, MetricValue>;
  readonly parts?: Record<string, Record<string, MetricValue>>;
}

const catalogue = join(import.meta.dirname, '../../rules/catalogue');
const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) =>
  entry.isDirectory(),
);

/** Each folder: readings.ndjson, the transitions expected of them, and rules.yaml (else the shipped rules). */
describe('the scenario', () => {
  it.each(folders.map(({ name }) => name))('%s gives the expected transitions', async (name) => {
    const file = (leaf: string) => join(import.meta.dirname, name, leaf);
    const rules = existsSync(file('rules.yaml'))
      ? parseRules([{ name: file('rules.yaml'), text: readFileSync(file('rules.yaml'), 'utf8') }])
      : await loadRules(catalogue);
    const engine = createEngine(rules);
    const transitions = readLines<Line>(file('readings.ndjson')).flatMap((line) => play(engine, line));
    expect(transitions.map(summary)).toEqual(readLines(file('expected.ndjson')));
  });
});

function play(engine: Engine, line: Line): readonly Transition[] {
  const device = { id: line.device ?? '', site: 'site-1', deviceClass: line.class ?? 'sensor' };
  if (line.opened !== undefined) engine.opened(Date.parse(line.opened));
  if (line.seen !== undefined) engine.lastSeen(device, Date.parse(line.seen));
  if (line.tick !== undefined) return engine.tick(Date.parse(line.tick));
  if (line.at === undefined) return [];
  const reading = { ts: Date.parse(line.at), m: line.m ?? {}, parts: line.parts };
  return engine.reading(device, reading, Date.parse(line.arrived ?? line.at));
}

/** What expected.ndjson holds of a transition; times as in China. */
function summary({ at, kind, rule, severity, device, part, evidence }: Transition) {
  const local = new Date(at + 8 * 3_600_000).toISOString().replace('.000Z', '+08:00');
  return { at: local, kind, rule, severity, device, ...(part === undefined ? {} : { part }), evidence };
}

function readLines<Row>(path: string): Row[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row);
}
