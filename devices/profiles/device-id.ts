import { idPattern } from '../topic.js';

/**
 * Our id for a vendor's device: prefix and name where they make an id. In other names `/` becomes `.`, what
 * else an id may not hold becomes `-`, and a hash of the name keeps different names different.
 */
export function deviceIdOf(prefix: string, name: string): string {
  const plain = prefix + name;
  if (idPattern.test(plain)) return plain;
  const safe = plain
    .replaceAll('/', '.')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 55)
    .replace(/[^A-Za-z0-9]+$/, '');
  return `${safe || 'device'}-${hash(name)}`;
}

/** FNV-1a over the UTF-16 units, in hexadecimal. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}
