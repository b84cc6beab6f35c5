import type { Rejection } from '../../devices/telemetry.js';
import type { MessageRecord } from '../log/frame.js';
import { gatherRejections } from './decode.js';
import type { Decoded, DecodedNotice, DecodedReading } from './decoded.js';

/**
 * What an entry of the log means when some of the devices in it were removed from the registry after the broker had
 * taken it: unknown devices, whose messages wait whole, or in the parts that a bridge's message has, to be adopted.
 */
export function withoutStrangers(
  decoded: readonly Decoded[],
  isGone: (device: string) => boolean,
): readonly Decoded[] {
  if (!decoded.some((item) => isOfStranger(item, isGone))) return decoded;
  const byMessage = new Map<MessageRecord | undefined, Decoded[]>();
  for (const item of decoded) {
    const message = 'source' in item ? item.source.message : undefined;
    const items = byMessage.get(message);
    if (items === undefined) byMessage.set(message, [item]);
    else items.push(item);
  }
  return [...byMessage].flatMap(([message, items]): readonly Decoded[] => {
    if (message === undefined) return items;
    if (message.origin !== undefined) {
      return gatherRejections(
        message,
        items.map((item) => (isOfStranger(item, isGone) ? reject(item, item.source) : item)),
      );
    }
    // A device's message is all its own.
    const first = items.find((item): item is Known => isOfStranger(item, isGone));
    return first === undefined ? items : [reject(first, { message })];
  });
}

type Known = DecodedReading | DecodedNotice;

function isOfStranger(item: Decoded, isGone: (device: string) => boolean): item is Known {
  return (item.kind === 'reading' || item.kind === 'notice') && isGone(item.topic.device);
}

function reject({ topic }: Known, source: Known['source']): Decoded {
  const detail = `"${topic.device}" was no longer registered when this was to be stored`;
  const rejection: Rejection = { reason: 'unknown_device', detail };
  return { kind: 'rejection', source, topic, rejection };
}
