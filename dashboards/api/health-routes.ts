import type { FastifyInstance } from 'fastify';
import type { Readiness } from './readiness.js';

/** `/healthz`: this process lives. `/readyz`: 200 when every part of the pipeline works, else 503 and which doesn't. */
export function addHealthRoutes(server: FastifyInstance, readiness: () => Promise<Readiness>): void {
  server.get('/healthz', () => ({ ok: true }));
  server.get('/readyz', async (_request, reply) => {
    const parts = await readiness();
    const ready = Object.values(parts).every(({ ok }) => ok);
    return reply.code(ready ? 200 : 503).send({ ready, parts });
  });
}
