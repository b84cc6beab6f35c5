import { basename } from 'node:path';
import type { DeviceClass } from '../../devices/device-class.js';
import { checkReading, isRejection } from '../../devices/telemetry.js';
import type { HistoryItem } from '../../rules/backtest/history.js';
import type { DeviceRef } from '../../rules/device-ref.js';
import { openRecording } from '../../simulators/recording/recording.js';
import type { RecordingFormat } from '../../simulators/recording/recording.js';
import type { NamedDevice } from './device-refs.js';

/** A recorded file as the history of one device. */
export interface RecordedHistory {
  readonly device: DeviceRef;
  /** Recorded times of the first row and of the latest one, epoch ms. */
  readonly firstAt: number;
  readonly latestAt: number;
  /** The rows in the order of the file; what the pipeline would quarantine is left out. */
  read(): AsyncGenerator<HistoryItem>;
  /** Rows left out so far, and why the first one was. */
  readonly refused: { count: number; first: string | undefined };
}

/** @throws AppError `no_file`, `unknown_format`, `bad_row`, `nothing_to_send` */
export async function openRecordedHistory(
  file: string,
  options: {
    readonly format?: RecordingFormat | undefined;
    readonly site?: string | undefined;
    readonly device?: string | undefined;
    readonly deviceClass: DeviceClass;
    readonly refOf: (named: NamedDevice) => DeviceRef;
  },
): Promise<RecordedHistory> {
  const recording = await openRecording(file, options.format);
  const { site = 'recorded', device: id = basename(file).replace(/\.[^.]*$/, ''), deviceClass } = options;
  const device = options.refOf({ id, site, deviceClass });
  const refused: RecordedHistory['refused'] = { count: 0, first: undefined };
  return {
    device,
    firstAt: recording.firstAt,
    latestAt: recording.latestAt,
    refused,
    async *read() {
      for await (const { at, m, parts } of recording.read()) {
        const reading = checkReading(deviceClass, { ts: at, m, ...(parts === undefined ? {} : { parts }) });
        if (isRejection(reading)) {
          refused.count++;
          refused.first ??= reading.detail;
        } else yield { kind: 'reading', device, reading };
      }
    },
  };
}
