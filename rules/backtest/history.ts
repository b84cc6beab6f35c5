import type { Reading } from '../../devices/telemetry.js';
import type { DeviceRef } from '../device-ref.js';

/** One thing that a device once said; `late` where it came too late to be judged then. */
export type HistoryItem =
  | {
      readonly kind: 'reading';
      readonly device: DeviceRef;
      readonly reading: Reading;
      readonly late?: boolean;
    }
  | {
      readonly kind: 'event';
      readonly device: DeviceRef;
      readonly at: number;
      readonly type: string;
      readonly late?: boolean;
    };

/** Event time of it, epoch ms. */
export function timeOf(item: HistoryItem): number {
  return item.kind === 'reading' ? item.reading.ts : item.at;
}
