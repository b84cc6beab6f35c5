import fastify from 'fastify';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { addClaimRoute } from '../../../dashboards/api/claim-route.js';
import { FailureThrottle } from '../../../runtime/failure-throttle.js';

it('counts wrong claim tokens of one IPv6 network together, as the broker does', async () => {
  const limits = { pair: 100, id: 100, address: 100, maxDelayMs: 0, held: 10, heldOfAddress: 10 };
  const throttle = new FailureThrottle(limits);
  const server = fastify();
  addClaimRoute(server, {
    findToken: () => Promise.resolve(undefined),
    claim: () => Promise.reject(new Error('nobody has a token')),
    wrongToken: () => Promise.resolve(),
    throttle,
    metrics: new Registry(),
  });
  for (const end of ['1', '2', '3']) {
    const { statusCode } = await server.inject({
      method: 'POST',
      url: '/api/v1/claims',
      remoteAddress: `2001:db8:1:2::${end}`,
      payload: { token: 'claim.wrong', device: 'd1', class: 'sensor' },
    });
    expect(statusCode).toBe(401);
  }
  // One id, one address, and the two together.
  expect(throttle.remembered).toBe(3);
});
