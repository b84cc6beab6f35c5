/**
 * One thing of a device's state, as twins, commands and people name it: a metric (`power`), a metric of a part
 * (`parts.radio5.channel`) or a field of what it says of itself (`meta.firmware`).
 */
export type StatePath =
  | { readonly of: 'device'; readonly name: string }
  | { readonly of: 'part'; readonly part: string; readonly name: string }
  | { readonly of: 'meta'; readonly name: string };

/** Takes a key apart; undefined when the text is none. */
export function parseStateKey(key: string): StatePath | undefined {
  const match = /^(?:(meta)\.|parts\.([A-Za-z0-9._-]{1,32})\.)?([a-z0-9_]{1,64})$/.exec(key);
  const [, meta, part, name] = match ?? [];
  if (name === undefined) return undefined;
  if (part !== undefined) return { of: 'part', part, name };
  return { of: meta === undefined ? 'device' : 'meta', name };
}

/** The inverse of `parseStateKey`. */
export function formatStateKey(path: StatePath): string {
  if (path.of === 'device') return path.name;
  return path.of === 'meta' ? `meta.${path.name}` : `parts.${path.part}.${path.name}`;
}
