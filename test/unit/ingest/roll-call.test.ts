import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeviceClass } from '../../../devices/device-class.js';
import { restoreAttendee, createAttendee, saveAttendee } from '../../../ingest/attendee.js';
import type { Attendee } from '../../../ingest/attendee.js';
import { RollCall } from '../../../ingest/roll-call.js';
import { createEngine } from '../../../rules/engine/engine.js';
import { loadRules } from '../../../rules/load-rules.js';
import { seededRandom } from '../../../simulators/city/seeded-random.js';

const rules = await loadRules(join(import.meta.dirname, '../../../rules/catalogue'));
const second = 1000;

/** A campus: gateway, two access points on it, three sensors on each; all report once a minute. */
const registered = new Map<string, { parentId: string | undefined; deviceClass: DeviceClass }>([
  ['gw', { parentId: undefined, deviceClass: 'gateway' }],
  ...[1, 2].flatMap((ap) => [
    [`ap${ap}`, { parentId: 'gw', deviceClass: 'ap' }] as const,
    ...[1, 2, 3].map((n) => [`s${ap}${n}`, { parentId: `ap${ap}`, deviceClass: 'sensor' }] as const),
  ]),
]);

interface Saved {
  readonly devices: readonly (readonly [string, object])[];
  readonly bridges: readonly (readonly [string, object])[];
  readonly openedAt: number;
}

/** Roll call and rules as the judge drives them; times in seconds. */
class Campus {
  readonly engine = createEngine(rules);
  readonly devices = new Map<string, { attendee: Attendee; intervalS?: number }>();
  readonly bridges = new Map<string, Attendee>();
  readonly #rollCall: RollCall;
  /** What happened, each with its second. */
  readonly story: string[] = [];

  constructor(saved?: Saved) {
    for (const [id, json] of saved?.devices ?? []) this.devices.set(id, { attendee: restoreAttendee(json) });
    for (const [id, json] of saved?.bridges ?? []) this.bridges.set(id, restoreAttendee(json));
    this.#rollCall = new RollCall(
      {
        devices: this.devices,
        bridges: this.bridges,
        register: { find: (id) => registered.get(id) },
        door: { graceMs: 90 * second, openedGraceMs: 90 * second },
        bridgeIntervalS: 10,
        onVerdict: (id, verdict, at) => this.engine.presence(this.#ref(id), verdict, at),
      },
      saved?.openedAt,
    );
  }

  save(): Saved {
    const toJson = (attendee: Attendee) => JSON.parse(JSON.stringify(saveAttendee(attendee))) as object;
    return {
      devices: [...this.devices].map(([id, { attendee }]) => [id, toJson(attendee)] as const),
      bridges: [...this.bridges].map(([id, attendee]) => [id, toJson(attendee)] as const),
      openedAt: this.#rollCall.openedAt,
    };
  }

  heard(id: string, at: number, options: { asleep?: boolean; via?: string } = {}): void {
    this.#known(id);
    this.#rollCall.heard(id, at * second, options.asleep === true, options.via);
    this.engine.lastSeen(this.#ref(id), at * second, options.asleep);
    this.#tell();
  }

  connection(id: string, connected: boolean, at: number): void {
    this.#known(id);
    this.#rollCall.connection(id, connected, at * second);
    this.#tell();
  }

  bridge(name: string, connected: boolean, at: number): void {
    this.#rollCall.bridge(name, connected, at * second);
  }

  opened(at: number): void {
    this.#rollCall.opened(at * second);
    this.engine.opened(at * second);
  }

  tick(at: number): void {
    this.#rollCall.tick(at * second);
    this.#tell();
    for (const { kind, rule, device } of this.engine.tick(at * second))
      this.story.push(`${kind} ${rule} of ${device} @${at}`);
  }

  /** A tick each second, and a report a minute of each of these, not all at once. */
  run(from: number, to: number, reporting: readonly string[]): void {
    for (let at = from; at < to; at++) {
      reporting.forEach((id, i) => {
        if (at % 60 === (i * 7) % 60) this.heard(id, at);
      });
      this.tick(at);
    }
  }

  stateOf(id: string): string | undefined {
    return this.devices.get(id)?.attendee.state;
  }

  states(): Record<string, string | undefined> {
    return Object.fromEntries([...this.devices].map(([id, { attendee }]) => [id, attendee.state]));
  }

  #ref(id: string) {
    return { id, site: 's1', deviceClass: registered.get(id)?.deviceClass ?? 'sensor' };
  }

  #known(id: string): void {
    if (!this.devices.has(id)) this.devices.set(id, { attendee: createAttendee() });
  }

  #tell(): void {
    for (const { device, to, at } of this.#rollCall.takeChanges())
      this.story.push(`${device} ${to} @${at / second}`);
  }
}

const all = [...registered.keys()];
const children = all.filter((id) => id !== 'gw');

function running(until = 600): Campus {
  const campus = new Campus();
  campus.opened(0);
  for (const id of all) campus.connection(id, true, 1);
  campus.run(2, until, all);
  expect(new Set(Object.values(campus.states()))).toEqual(new Set(['online']));
  campus.story.length = 0;
  return campus;
}

it.each([0, 13, 31, 47])(
  'a power cut at a school makes its children unknown, never offline first, with one alarm: the gateway’s (after %i s)',
  (after) => {
    const campus = running(600 + after);
    for (const id of all) campus.connection(id, false, 640 + after);
    campus.run(600 + after, 2400, []);
    const alarms = campus.story.filter((line) => line.startsWith('raise'));
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toContain('gateway-silent of gw');
    const of = (id: string) =>
      campus.story.filter((line) => line.startsWith(`${id} `)).map((line) => line.split(' ')[1]);
    expect(of('gw')).toEqual(['offline']);
    for (const id of children) expect(of(id)).toEqual(['unknown']);

    // It comes back, the children minutes after it.
    campus.story.length = 0;
    campus.run(2400, 2520, ['gw']);
    expect(new Set(children.map((id) => campus.stateOf(id)))).toEqual(new Set(['unknown']));
    campus.run(2520, 3000, all);
    expect(new Set(Object.values(campus.states()))).toEqual(new Set(['online']));
    expect(campus.story.filter((line) => line.startsWith('raise'))).toEqual([]);
    for (const id of children) expect(of(id)).toEqual(['online']);
  },
);

it('a child that alone is lost is offline and alarmed; its alarm stays through a loss of the gateway', () => {
  const campus = running();
  campus.connection('s11', false, 600);
  const others = all.filter((id) => id !== 's11');
  campus.run(600, 1200, others);
  expect(campus.story.map((line) => line.replace(/ @.*/, ''))).toEqual([
    's11 offline',
    'raise sensor-silent of s11',
  ]);
  campus.story.length = 0;
  campus.run(1200, 2400, []);
  expect(campus.stateOf('s11')).toBe('unknown');
  campus.run(2400, 3600, others);
  expect(campus.stateOf('s11')).toBe('offline');
  expect(campus.story.filter((line) => line.includes('sensor-silent'))).toEqual([]);
  campus.heard('s11', 3600);
  campus.tick(3601);
  expect(campus.story.at(-1)).toContain('clear sensor-silent of s11');
});

it('a device that hangs is stale, one that sleeps is not missed, one that reconnects in time did not change', () => {
  const campus = running();
  campus.heard('s12', 600, { asleep: true });
  campus.connection('s12', false, 601);
  campus.connection('s13', false, 610);
  campus.connection('s13', true, 680);
  campus.run(
    610,
    1300,
    all.filter((id) => id !== 's11' && id !== 's12'),
  );
  expect(campus.story.map((line) => line.replace(/ @.*/, ''))).toEqual([
    's12 sleeping',
    's11 stale',
    'raise sensor-silent of s11',
  ]);
});

it('an outage of ours changes nothing, however long, for those who come back within the grace', () => {
  const campus = running();
  campus.opened(5000);
  for (let at = 5000; at < 5080; at++) campus.tick(at);
  expect(campus.story).toEqual([]);
  campus.run(5080, 6000, children);
  // Who did not come back is missed from then on.
  expect(campus.story.map((line) => line.replace(/ @.*/, ''))).toEqual([
    'gw stale',
    'raise gateway-silent of gw',
  ]);
});

it('devices behind a bridge are unknown while the bridge or what it bridges is gone', () => {
  const campus = new Campus();
  campus.opened(0);
  const report = (from: number, to: number, up: 'up' | 'down' | 'dead', silent: string[] = []) => {
    for (let at = from; at < to; at++) {
      if (at % 10 === 0 && up !== 'dead') campus.bridge('bridge:z', up === 'up', at);
      for (const id of ['s11', 's12'])
        if (at % 60 === 0 && up === 'up' && !silent.includes(id)) campus.heard(id, at, { via: 'bridge:z' });
      campus.tick(at);
    }
  };
  report(0, 600, 'up');
  for (const trouble of ['down', 'dead'] as const) {
    campus.story.length = 0;
    report(600, 1800, trouble);
    expect(campus.story.map((line) => line.replace(/ @.*/, ''))).toEqual(['s11 unknown', 's12 unknown']);
    report(1800, 2400, 'up');
    expect(campus.stateOf('s11')).toBe('online');
    for (const attendee of [...campus.devices.values()].map((device) => device.attendee))
      attendee.heardAt = 599_000;
    for (const bridge of campus.bridges.values()) bridge.heardAt = bridge.since = 599_000;
  }
});

it.each([undefined, 1])(
  'a device heard through an account that left at once, and was seen to go or not (%s), is unknown, never offline',
  (goneAt) => {
    const campus = new Campus();
    campus.opened(0);
    for (let at = 0; at < 1000; at++) {
      if (at === 200) campus.heard('s11', at, { via: 'bridge:@brg' });
      if (goneAt !== undefined && at === 200 + goneAt) campus.bridge('bridge:@brg', false, at);
      campus.tick(at);
    }
    expect(campus.story.map((line) => line.replace(/ @.*/, ''))).toEqual(['s11 online', 's11 unknown']);
    expect(new Campus(campus.save()).bridges.has('bridge:@brg')).toBe(true);
  },
);

it('of a parent that was never heard nothing is known: its children are offline when they are missed', () => {
  const campus = new Campus();
  campus.opened(0);
  for (let at = 0; at < 1000; at++) {
    if (at === 200) campus.heard('s11', at);
    campus.tick(at);
  }
  expect(campus.stateOf('s11')).toBe('offline');
});

it('a device behind a bridge that alone is lost is offline', () => {
  const campus = new Campus();
  for (let at = 0; at < 1000; at++) {
    if (at % 10 === 0) campus.bridge('bridge:z', true, at);
    if (at % 60 === 0) campus.heard('s11', at, { via: 'bridge:z' });
    if (at % 60 === 0 && at < 500) campus.heard('s12', at, { via: 'bridge:z' });
    campus.tick(at);
  }
  expect(campus.states()).toEqual({ s11: 'online', s12: 'offline' });
});

it.each([1, 2, 3])(
  'goes on after a restart from a checkpoint as if nothing had happened (history %i)',
  (seed) => {
    const random = seededRandom(seed);
    const steps: ((campus: Campus) => void)[] = [(campus) => campus.opened(0)];
    const up = new Set(all);
    for (let at = 1; at < 6000; at += 5) {
      for (const id of all) {
        if (random() < 0.003) {
          const connected = up.delete(id) ? false : up.add(id).has(id);
          steps.push((campus) => campus.connection(id, connected, at));
        }
        if (up.has(id) && random() < 0.1) {
          const options = { asleep: random() < 0.01 };
          steps.push((campus) => campus.heard(id, at, options));
        }
      }
      if (random() < 0.002) steps.push((campus) => campus.opened(at));
      steps.push((campus) => campus.tick(at));
    }
    const tell = (campus: Campus, some: typeof steps) => {
      for (const step of some) step(campus);
      return campus.story.filter((line) => !/^(raise|clear)/.test(line));
    };
    const expected = tell(new Campus(), steps);
    expect(expected.length).toBeGreaterThan(30);
    for (let trial = 0; trial < 10; trial++) {
      const cut = Math.floor(random() * steps.length);
      const before = new Campus();
      const first = tell(before, steps.slice(0, cut));
      const after = new Campus(before.save());
      expect([...first, ...tell(after, steps.slice(cut))]).toEqual(expected);
    }
  },
);
