import { expect, test } from 'vitest';
import { createSecret, findSecret, hashSecret, withNewSecret } from '../../../devices/credential.js';

const now = 1_800_000_000_000;
const hour = 3_600_000;

test('a secret is found by its hash alone, and no other one is', () => {
  const secret = createSecret();
  const kept = withNewSecret(undefined, hashSecret(secret), now);
  expect(JSON.stringify(kept)).not.toContain(secret);
  expect(findSecret(kept, secret, now)?.issuedAt).toBe(now);
  for (const wrong of ['', 'wrong', secret.slice(1), `${secret}x`, JSON.stringify(kept)]) {
    expect(findSecret(kept, wrong, now)).toBeUndefined();
  }
});

test('a new secret ends the earlier one at once, or after the overlap', () => {
  const [old, next] = [createSecret(), createSecret()];
  const first = withNewSecret(undefined, hashSecret(old), now);
  const swapped = withNewSecret(first, hashSecret(next), now + 1);
  expect(findSecret(swapped, old, now + 1)).toBeUndefined();
  expect(findSecret(swapped, next, now + 1)).toBeDefined();
  const rotated = withNewSecret(first, hashSecret(next), now, 24 * hour);
  expect(findSecret(rotated, old, now + 24 * hour - 1)).toBeDefined();
  expect(findSecret(rotated, old, now + 24 * hour)).toBeUndefined();
  expect(findSecret(rotated, next, now + 24 * hour)).toBeDefined();
});

test('a second rotation does not prolong what the first one is ending, and forgets what has ended', () => {
  const secrets = [createSecret(), createSecret(), createSecret()];
  const [a = '', b = '', c = ''] = secrets.map(hashSecret);
  const first = withNewSecret(withNewSecret(undefined, a, now), b, now, hour);
  const second = withNewSecret(first, c, now + hour / 2, 24 * hour);
  expect(second.secrets.map(({ until }) => until)).toEqual([undefined, now + 24.5 * hour, now + hour]);
  expect(withNewSecret(second, a, now + 2 * hour, hour).secrets.map(({ hash }) => hash)).toEqual([a, c, b]);
});
