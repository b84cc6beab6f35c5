import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { pathOf } from './problem.js';

// Asked every few seconds by machines: a line each would bury the others.
const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** Writes one log line for each answer, without query and headers, and measures how long it took. */
export function logAccess(server: FastifyInstance, metrics: Registry): void {
  const duration = new Histogram({
    name: 'pc_http_request_seconds',
    help: 'Time from an HTTP request to its answer',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5],
    registers: [metrics],
  });
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    duration.observe({ route, status: reply.statusCode }, reply.elapsedTime / 1000);
    const line = {
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      address: request.ip,
    };
    request.log[probes.has(route) ? 'debug' : 'info'](line, 'HTTP request');
    done();
  });
}
