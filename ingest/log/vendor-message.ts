import type { DeviceClass } from '../../devices/device-class.js';
import type { VendorMessage } from '../../devices/profiles/profile.js';
import { payloadText } from './frame.js';
import type { MessageRecord } from './frame.js';

/** A record of the log as a profile sees it; `text` and `payload` are made only when they are asked for. */
export function vendorMessage(
  record: MessageRecord,
  from: { readonly deviceClass: DeviceClass; readonly retained?: true | undefined } | undefined,
): VendorMessage {
  return new RecordMessage(record, from?.deviceClass ?? 'sensor', from?.retained ?? false);
}

class RecordMessage implements VendorMessage {
  readonly #record: MessageRecord;
  readonly deviceClass: DeviceClass;
  readonly retained: boolean;

  constructor(record: MessageRecord, deviceClass: DeviceClass, retained: boolean) {
    this.#record = record;
    this.deviceClass = deviceClass;
    this.retained = retained;
  }

  get topic(): string {
    return this.#record.topic;
  }

  get payload(): Buffer {
    return this.#record.payload;
  }

  get arrivedAt(): number {
    return Math.floor(this.#record.arrivedAt);
  }

  text(): string {
    return payloadText(this.#record);
  }
}
