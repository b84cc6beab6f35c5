import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { District } from '../../devices/district.js';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { findDevice } from '../../devices/redis-registry.js';
import { formatSeconds } from '../../rules/duration.js';
import { mqttAddresses, plainAddress } from '../../runtime/mqtt-addresses.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { openRecording, recordingFormats } from '../../simulators/recording/recording.js';
import type { RecordingFormat } from '../../simulators/recording/recording.js';
import { replayRecording } from '../../simulators/replay.js';
import type { ReplayResult } from '../../simulators/replay.js';
import { readDistrict } from '../district-option.js';
import { findInstance, mqttUrl } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { watchStopSignals } from '../stop-signals.js';
import { createProgress } from '../terminal/progress.js';
import { operator } from '../terminal/command-words.js';

interface ReplayOptions extends Record<string, unknown> {
  readonly site: string;
  readonly class: DeviceClass;
  readonly device: string;
  readonly room?: string;
  readonly district?: District;
  readonly format?: RecordingFormat;
  readonly speed: number | 'max';
  readonly keepTime?: boolean;
  readonly json?: boolean;
}

/** `campus replay FILE` */
export function addReplayCommand(program: Command): void {
  const command = program
    .command('replay <file>')
    .description(
      'Publishes a recorded file over MQTT with QoS 1, as the device, which is registered and gets a new password ' +
        'for it. The readings end now, unless --keep-time is given.',
    )
    .requiredOption('--site <id>', 'campus or learning point')
    .requiredOption('--device <id>', 'device id')
    .addOption(new Option('--class <class>', 'kind of device').choices(deviceClasses).default('sensor'))
    .option('--room <id>', 'room that the device is in')
    .option('--district <name>', 'district of the site, e.g. nanhai or 南海', readDistrict)
    .addOption(
      new Option('--format <format>', 'format of the file; found out when not given').choices(
        recordingFormats,
      ),
    )
    .option(
      '--speed <n|max>',
      'recorded seconds per second of the pipeline, or as fast as it goes',
      parseSpeed,
      'max',
    )
    .option('--keep-time', 'send the recorded times as they are')
    .option('--json', 'print the result as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ campus replay simulators/data/uci-occupancy-datatraining.txt --site school-1 --device co2-101
  $ campus replay readings.ndjson --site school-1 --device co2-101 --speed 60`,
    );
  addSettingFlags(command, instanceSettings).action(replay);
}

async function replay(file: string, options: ReplayOptions): Promise<void> {
  const { settings, record, redisUrl } = findInstance(options);
  // Before the device loses its password for it.
  const recording = await openRecording(file, options.format);
  const { credentials, clock } = await withRedis(redisUrl, async (redis) => ({
    credentials: await register(redis, options),
    clock: await loadClock(redis),
  }));
  const progress = createProgress();
  const result = await replayRecording({
    recording,
    mqttUrl: mqttUrl(record === undefined ? plainAddress(mqttAddresses(settings)) : record.mqtt),
    credentials,
    speed: options.speed,
    keepTime: options.keepTime,
    clock,
    latenessMs: settings.LATENESS_LIMIT_S * 1000,
    signal: watchStopSignals().stop,
    onProgress: ({ sent, acknowledged, total }) => {
      progress.update(acknowledged, total, `${sent} sent, ${acknowledged} of ${total} acknowledged`);
    },
  });
  progress.end();
  console.log(
    options.json === true ? JSON.stringify(result) : formatResult(result, settings.LATENESS_LIMIT_S),
  );
  if (result.acknowledged < result.sent) process.exitCode = 1;
}

function formatResult({ sent, acknowledged, late, seconds, rate }: ReplayResult, limitS: number): string {
  const lines = [
    `Sent ${sent}, acknowledged ${acknowledged}, in ${seconds.toFixed(1)} s (${Math.round(rate)}/s).`,
  ];
  if (acknowledged < sent) lines.push(`${sent - acknowledged} were not acknowledged: replay the file again.`);
  if (late > 0) {
    const limit = formatSeconds(limitS);
    lines.push(`${late} were older than ${limit} when they were sent: they are stored and raise no alarm.`);
  }
  return lines.join('\n');
}

async function register(redis: Redis, options: ReplayOptions) {
  const { site, device, room, district } = options;
  if ((await findDevice(redis, device)) !== undefined) {
    console.error(
      `Device "${device}" gets a new password for this replay; an earlier one is no longer valid.`,
    );
  }
  return issueCredentials(redis, { site, device, deviceClass: options.class, room, district }, operator());
}

function parseSpeed(text: string): number | 'max' {
  const speed = Number(text);
  if (text === 'max') return 'max';
  if (!(speed > 0 && Number.isFinite(speed)))
    throw new InvalidArgumentError('It must be "max" or a number above 0.');
  return speed;
}
