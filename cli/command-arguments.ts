import { z } from 'zod';
import { findAction } from '../devices/action-check.js';
import type { DeviceClass } from '../devices/device-class.js';
import type { MetricValue } from '../devices/telemetry.js';
import { AppError } from '../runtime/app-error.js';

/** Takes `key=value` words apart. @throws AppError `not_a_pair` */
export function readPairs(words: readonly string[]): [key: string, text: string][] {
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw new AppError('not_a_pair', `"${word}" is not key=value, such as channel=36.`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** A value as somebody types it: a number where it looks like one. */
export function readValue(text: string): MetricValue {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** The arguments of a command as somebody types them; what the action takes as text stays text. */
export function readArguments(
  deviceClass: DeviceClass,
  actionName: string,
  words: readonly string[],
): Record<string, MetricValue | boolean> {
  const shape: Readonly<Record<string, unknown>> = findAction(deviceClass, actionName)?.args.shape ?? {};
  return Object.fromEntries(
    readPairs(words).map(([name, text]): [string, MetricValue | boolean] => {
      const wanted = shape[name];
      if (wanted instanceof z.ZodString || wanted instanceof z.ZodEnum) return [name, text];
      if (wanted instanceof z.ZodBoolean && ['true', 'on', 'yes', '1'].includes(text)) return [name, true];
      if (wanted instanceof z.ZodBoolean && ['false', 'off', 'no', '0'].includes(text)) return [name, false];
      return [name, readValue(text)];
    }),
  );
}

/** What an action takes, e.g. `radio=… channel=1..233`. */
export function describeArguments(args: z.ZodObject): string {
  const { properties = {} } = z.toJSONSchema(args, { io: 'input' }) as {
    properties?: Record<string, { enum?: string[]; type?: string; minimum?: number; maximum?: number }>;
  };
  return Object.entries(properties)
    .map(([name, { enum: words, type, minimum, maximum }]) => {
      if (words !== undefined) return `${name}=${words.join('|')}`;
      if (type === 'boolean') return `${name}=true|false`;
      return minimum === undefined ? `${name}=…` : `${name}=${minimum}..${maximum ?? ''}`;
    })
    .join(' ');
}
