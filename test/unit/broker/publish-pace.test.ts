import { describe, expect, it } from 'vitest';
import { ClientPace } from '../../../broker/limits/publish-pace.js';
import { TokenBucket } from '../../../broker/limits/token-bucket.js';

describe('an allowance', () => {
  it('gives a burst, then so much a second, and is never more than full', () => {
    const bucket = new TokenBucket(10, 2, 0);
    bucket.take(19, 0);
    expect(bucket.waitMs(0)).toBe(0);
    bucket.take(1, 0);
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.waitMs(100)).toBe(0);
    expect([bucket.isFull(1999), bucket.isFull(2000), bucket.isFull(9000)]).toEqual([false, true, true]);
    bucket.take(20, 9000);
    expect(bucket.waitMs(9000)).toBe(100);
  });

  it('that was overdrawn is waited off', () => {
    const bucket = new TokenBucket(1000, 1, 0);
    bucket.take(3000, 0);
    expect(bucket.waitMs(0)).toBe(2001);
    expect(bucket.waitMs(1500)).toBe(501);
  });

  it('gives nothing when the clock goes back', () => {
    const bucket = new TokenBucket(10, 1, 5000);
    bucket.take(10, 5000);
    expect(bucket.waitMs(1000)).toBe(100);
  });
});

describe('a client', () => {
  const pace = () => new ClientPace({ messagesPerSecond: 10, bytesPerSecond: 1000, burstSeconds: 1 }, 0);

  it('is held by its messages or by their bytes, whichever is over', () => {
    const small = pace();
    for (let i = 0; i < 10; i++) small.took(1, 0);
    expect(small.waitMs(0)).toBe(100);
    const large = pace();
    large.took(1500, 0);
    expect(large.waitMs(0)).toBe(501);
  });
});
