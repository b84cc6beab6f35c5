import type { MetricValue, Reading } from '../../devices/telemetry.js';

/** What a reading says: the metrics of the device by name, those of its parts by `part/name`. */
export function contentOf({
  m = {},
  parts = {},
}: {
  readonly m?: Reading['m'];
  readonly parts?: Reading['parts'];
}): [string, MetricValue][] {
  const own = Object.entries(m);
  for (const [part, metrics] of Object.entries(parts)) {
    for (const [name, value] of Object.entries(metrics)) own.push([`${part}/${name}`, value]);
  }
  return own;
}

/** FNV-1a over a content. */
export function hashOf(content: readonly (readonly [string, MetricValue])[]): number {
  return hashText(content.flat().join(' '));
}

/** A bit for each name, not 0: where two masks have none in common, the names have none either. */
export function namesMask(content: readonly (readonly [string, MetricValue])[]): number {
  return content.reduce((mask, [name]) => mask | (1 << (hashText(name) & 31)), 0) || 1;
}

/** FNV-1a over a text. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
