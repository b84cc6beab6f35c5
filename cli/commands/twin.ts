import type { Command } from 'commander';
import { RedisCity } from '../../alerts/control/redis-city.js';
import { orderCommand } from '../../alerts/control/redis-order.js';
import { forgetDesired, keepDesired, planState, readTwin } from '../../devices/redis-twin.js';
import type { Twin } from '../../devices/redis-twin.js';
import { metricsOf } from '../../devices/metric.js';
import type { ReportedMetrics } from '../../devices/twin.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { readPairs, readValue } from '../command-arguments.js';
import { durationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { refusalError } from '../refusal-error.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { operator } from '../terminal/command-words.js';
import { formatSeconds } from '../../rules/duration.js';
import { whyItWaits } from '../why-it-waits.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface TwinOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

interface SetOptions extends TwinOptions {
  readonly expires: number;
}

/** `campus twin DEVICE`, `campus twin set|unset` */
export function addTwinCommand(program: Command): void {
  const command = program
    .command('twin')
    // Options behind "set" and "unset" are theirs.
    .enablePositionalOptions()
    .argument('<device>', 'its id')
    .summary('what a device reported, what is wanted of it, and the difference')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus twin ap-101\n  $ campus twin set ap-101 parts.radio5.channel=36',
    );
  addSettingFlags(command, instanceSettings).action(async (device: string, options: TwinOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const twin = await withRedis(redisUrl, (redis) => readTwin(redis, device));
    console.log(options.json === true ? JSON.stringify(twin) : formatTwin(twin, settings.TIMEZONE));
  });
  addSet(command);
  addUnset(command);
}

function addSet(twin: Command): void {
  const command = twin
    .command('set <device> <key=value...>')
    .summary('say what a state is to be; a device that reports otherwise is sent a command')
    .addOption(durationOption('--expires <duration>', 'how long the command may be delivered', '60s'))
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ campus twin set panel-101 brightness_pct=60');
  addSettingFlags(command, instanceSettings).action(
    async (device: string, words: string[], options: SetOptions) => {
      const { redisUrl, settings } = findInstance(options);
      const { done: outcomes, waits } = await withRedis(redisUrl, async (redis) => {
        const clock = await loadClock(redis);
        const city = new RedisCity(redis, settings.TIMEZONE);
        const twin = await readTwin(redis, device);
        // All are checked before any is sent.
        const plans = readPairs(words).map(([key, text]) => {
          const value = readValue(text);
          return { key, value, plan: planState(twin, key, value) };
        });
        const done: { key: string; value: string | number; command?: string }[] = [];
        for (const { key, value, plan } of plans) {
          const now = clock.now();
          if (plan.kind === 'reported') {
            await keepDesired(redis, device, key, { value, at: now, by: operator() });
            done.push({ key, value });
          } else {
            const { action, args } = plan;
            const wanted = { device, action, args, issuedBy: operator(), expiresAt: now + options.expires };
            const order = { ...wanted, kind: 'single', overrides: [] } as const;
            const outcome = await orderCommand(redis, order, { city, clock });
            if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
            done.push({ key, value, command: outcome.command.id });
          }
        }
        const waits = done.some((one) => one.command !== undefined)
          ? await whyItWaits(redis, twin)
          : undefined;
        return { done, waits };
      });
      if (options.json === true) console.log(JSON.stringify(outcomes));
      else {
        for (const { key, value, command: id } of outcomes) {
          console.log(
            id === undefined
              ? `${key} is to be ${value}, and is reported so.`
              : `${key} is to be ${value}: command ${id} issued.`,
          );
        }
        if (waits !== undefined)
          console.log(
            `${device} ${waits}: what is sent waits for it for ${formatSeconds(options.expires / 1000)}, then it fails.`,
          );
      }
    },
  );
}

function addUnset(twin: Command): void {
  const command = twin
    .command('unset <device> <key>')
    .summary('no longer want a state; the device stays as it is')
    .addHelpText('after', '\nExample:\n  $ campus twin unset panel-101 brightness_pct');
  addSettingFlags(command, instanceSettings).action(
    async (device: string, key: string, options: TwinOptions) => {
      const { redisUrl } = findInstance(options);
      await withRedis(redisUrl, async (redis) => {
        const clock = await loadClock(redis);
        await forgetDesired(redis, device, key, { by: operator(), at: clock.now() });
      });
      console.log(`${key} of ${device} may be anything again.`);
    },
  );
}

function formatTwin(twin: Twin, timezone: string): string {
  const { device, presence, contact, reported, desired, delta, commands } = twin;
  const time = (at: number) => formatTime(at, timezone);
  const texts = [
    formatPairs([
      ['Device', `${device.id} (${device.deviceClass})`],
      ['Place', `${device.site}, room ${device.room}`],
      [
        'Presence',
        presence.since === undefined
          ? 'unknown: never heard'
          : `${presence.state} since ${time(presence.since)}`,
      ],
      ['Last seen', presence.lastSeenAt === undefined ? '' : time(presence.lastSeenAt)],
      [
        'Connection',
        contact === undefined
          ? 'none yet'
          : `${contact.connected ? 'open' : 'closed'} since ${time(contact.since)}`,
      ],
      ['Says', reported.state === undefined ? 'nothing yet' : JSON.stringify(reported.state.body)],
      ['Meta', reported.meta === undefined ? 'none yet' : JSON.stringify(reported.meta.body)],
    ]),
  ];
  const values = [
    ...rowsOf(device.deviceClass, '', reported.own),
    ...Object.entries(reported.parts ?? {}).flatMap(([part, metrics]) =>
      rowsOf(device.deviceClass, `parts.${part}.`, metrics),
    ),
  ];
  if (values.length > 0) {
    texts.push(
      formatTable(
        ['Reported', 'Value', 'Meaning', 'Measured'],
        values.map(([key, value, meaning, ts]) => [key, value, meaning, time(ts)]),
      ),
    );
  }
  const wanted = Object.entries(desired);
  if (wanted.length > 0) {
    const differs = new Map(delta.map((one) => [one.key, String(one.reported ?? 'never reported')]));
    texts.push(
      formatTable(
        ['Desired', 'Value', 'By', 'Since', 'Reported otherwise'],
        wanted.map(([key, { value, by, at }]) => [key, value, by, time(at), differs.get(key) ?? '']),
      ),
    );
  }
  if (commands.length > 0) {
    texts.push(
      formatTable(
        ['Open command', 'Action', 'State', 'Expires'],
        commands.map(({ id, action, state, expiresAt }) => [id, action, state, time(expiresAt)]),
      ),
    );
  }
  return texts.join('\n');
}

function rowsOf(
  deviceClass: DeviceClass,
  prefix: string,
  metrics: ReportedMetrics | undefined,
): [key: string, value: string, meaning: string, ts: number][] {
  if (metrics === undefined) return [];
  const row = (name: string, value: string | number, ts: number): [string, string, string, number] => {
    const metric = metricsOf[deviceClass][name];
    const unit = metric?.kind === 'number' ? metric.unit : '';
    return [
      prefix + name,
      `${value} ${unit}`.trim(),
      metric === undefined ? '' : `${metric.zh} ${metric.en}`,
      ts,
    ];
  };
  return [
    ...Object.entries(metrics.m).map(([name, value]) => row(name, value, metrics.ts)),
    ...Object.entries(metrics.older ?? {}).map(([name, { value, ts }]) => row(name, value, ts)),
  ];
}
