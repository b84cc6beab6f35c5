import type { DeviceClass } from '../device-class.js';
import type { MetricValue, Rejection } from '../telemetry.js';
import { readQuantity } from './quantity.js';

/** The metrics of one reading while they are gathered, and the names of what is no metric of ours. */
export class Gathered {
  readonly m: Record<string, MetricValue> = {};
  // Without a prototype: names of parts come from vendors, and one could be "__proto__".
  readonly parts = Object.create(null) as Record<string, Record<string, MetricValue>>;
  readonly ignored: string[] = [];
  readonly #deviceClass: DeviceClass;

  constructor(deviceClass: DeviceClass) {
    this.#deviceClass = deviceClass;
  }

  /**
   * Takes a value under a vendor's name, or counts it as ignored. A metric that is there already stays.
   * @param part of the device, such as a radio; `''` is the device itself
   */
  take(name: string, value: unknown, unit?: string, part = ''): void {
    const quantity = readQuantity(this.#deviceClass, name, value, unit);
    const partName = part.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 32);
    const metrics = part === '' ? this.m : (this.parts[partName] ?? {});
    if (quantity === undefined || quantity.metric in metrics) {
      this.ignored.push(unit === undefined || unit === '' ? name : `${name} (${unit})`);
      return;
    }
    metrics[quantity.metric] = quantity.value;
    if (part !== '') this.parts[partName] = metrics;
  }

  get isEmpty(): boolean {
    return Object.keys(this.m).length === 0 && Object.keys(this.parts).length === 0;
  }

  /** `{m}` or `{m, parts}`. */
  get metrics(): { m: Record<string, MetricValue>; parts?: Record<string, Record<string, MetricValue>> } {
    return Object.keys(this.parts).length === 0 ? { m: this.m } : { m: this.m, parts: this.parts };
  }

  /** Why a message out of which nothing could be gathered is rejected. */
  get rejection(): Rejection {
    const names = this.ignored.slice(0, 8).join(', ');
    const detail = `a ${this.#deviceClass} has no metric for any of: ${names || '(there is nothing)'}`;
    return { reason: 'unknown_metric', detail };
  }
}
