import { describe, expect, it } from 'vitest';
import { addressGroup } from '../../../runtime/address-group.js';
import { SocketCap } from '../../../broker/limits/socket-cap.js';

describe('connections are counted', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('from %s to %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });

  it('against both caps, and out again once', () => {
    const cap = new SocketCap({ total: 3, perAddress: 2 });
    const leave = cap.enter('10.0.0.1');
    cap.enter('10.0.0.1');
    expect(cap.enter('10.0.0.1')).toBe('sockets_per_address');
    cap.enter('10.0.0.2');
    expect(cap.enter('10.0.0.3')).toBe('sockets');
    if (typeof leave !== 'function') throw new Error('not let in');
    leave();
    leave();
    expect(cap.total).toBe(2);
    expect(cap.enter('10.0.0.1')).toBeTypeOf('function');
  });
});
