import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { Counter } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { startApi } from '../../../dashboards/api/app.js';
import type { Readiness } from '../../../dashboards/api/readiness.js';
import type { Alarm } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { startRoleReport } from '../../../runtime/redis-role-report.js';
import type { RoleContext } from '../../../runtime/role.js';
import type { Role } from '../../../runtime/roles.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
/** Answers /ping as InfluxDB does; the API asks it nothing else. */
let influx: Server;
let influxUrl: string;
let contexts: RoleContext[];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  influx = createServer((request, response) => {
    response.writeHead(request.url === '/ping' ? 204 : 500).end();
  }).listen(0, '127.0.0.1');
  await once(influx, 'listening');
  influxUrl = `http://127.0.0.1:${(influx.address() as AddressInfo).port}`;
});
afterAll(async () => {
  redis.disconnect();
  influx.close();
  await server.stop();
});

beforeEach(async () => {
  contexts = [];
  await redis.flushall();
});
afterEach(async () => {
  for (const context of contexts) await context.lifeCycle.stop();
});

async function start(
  stores: { redisUrl?: string; influxUrl?: string } = {},
  clock?: RoleContext['clock']['spec'],
) {
  const context = createTestContext(
    { redisUrl: server.url, influxUrl, ...stores },
    { HTTP_PORT: String(await freePort()) },
    clock,
  );
  contexts.push(context);
  const { url } = await startApi(context);
  return { url, context };
}

function startRole(role: Role, trouble?: string): RoleContext {
  const context = createTestContext({ redisUrl: server.url });
  contexts.push(context);
  startRoleReport(context, role, () => trouble);
  return context;
}

async function readyz(url: string): Promise<{ status: number; ready: boolean; parts: Readiness }> {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, ...((await response.json()) as { ready: boolean; parts: Readiness }) };
}

const metricsOf = async (url: string) => (await (await fetch(`${url}/metrics`)).text()).split('\n');

describe('/readyz', () => {
  it('answers 200 when every part works', async () => {
    for (const role of ['broker', 'ingest', 'alerts'] as const) startRole(role);
    const { url } = await start();
    const answer = await eventually('ready', async () => {
      const now = await readyz(url);
      return now.status === 200 && now;
    });
    expect(answer).toEqual({
      status: 200,
      ready: true,
      parts: {
        redis: { ok: true },
        influxdb: { ok: true },
        broker: { ok: true },
        ingest: { ok: true },
        alerts: { ok: true },
      },
    });
  });

  it('names the parts that do not work, and why', async () => {
    startRole('broker');
    startRole('ingest', 'InfluxDB refuses everything');
    const { url } = await start({ influxUrl: `http://127.0.0.1:${await freePort()}` });
    const { status, parts } = await eventually('the roles have reported', async () => {
      const now = await readyz(url);
      return now.parts.broker.ok && now.parts.ingest.why === 'InfluxDB refuses everything' && now;
    });
    expect(status).toBe(503);
    expect(parts).toMatchObject({
      redis: { ok: true },
      influxdb: { ok: false, why: expect.stringContaining('ECONNREFUSED') as string },
      alerts: { ok: false, why: 'no process of the role "alerts" has reported lately' },
    });
  });

  it('answers 503 while Redis hangs, and 200 again after, as do the other routes', async () => {
    for (const role of ['broker', 'ingest', 'alerts'] as const) startRole(role);
    const { url } = await start();
    await eventually('ready', async () => (await readyz(url)).ready);
    process.kill(server.pid, 'SIGSTOP');
    try {
      const { status, parts } = await readyz(url);
      expect(status).toBe(503);
      expect(parts.redis).toEqual({ ok: false, why: expect.stringMatching(/no answer|timed out/) as string });
      expect(parts.influxdb.ok).toBe(true);
      expect(parts.broker.ok).toBe(false);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect(await metricsOf(url)).toContain('pc_redis_up 0');
      expect((await fetch(`${url}/api/v1/status`)).status).toBe(503);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await eventually('ready again', async () => (await readyz(url)).ready);
  });

  it('starts and answers where there is neither Redis nor InfluxDB', async () => {
    const { url } = await start({
      redisUrl: `redis://127.0.0.1:${await freePort()}`,
      influxUrl: `http://127.0.0.1:${await freePort()}`,
    });
    const { status, parts } = await readyz(url);
    expect(status).toBe(503);
    expect(Object.values(parts).map(({ ok }) => ok)).toEqual([false, false, false, false, false]);
    expect(parts.redis.why).toBe('Redis: not connected');
  });
});

describe('/metrics', () => {
  it('merges the metrics of two roles with its own and counts the alarms', async () => {
    for (const role of ['broker', 'ingest'] as const) {
      const { metrics } = startRole(role);
      new Counter({ name: 'pc_trial_total', help: 'Trial', registers: [metrics] }).inc(
        role === 'broker' ? 3 : 4,
      );
    }
    await redis.set(redisKeys.shards, '2');
    const alarm = (id: string, state: Alarm['state'], severity: Alarm['severity']) =>
      JSON.stringify({ id, state, severity, raisedAt: 0 });
    await redis.hset(redisKeys.alarms(0), 'a', alarm('a', 'active', 'major'));
    await redis.hset(redisKeys.clearedAlarms(0), 'b', alarm('b', 'cleared', 'major'));
    await redis.hset(redisKeys.alarms(1), 'c', alarm('c', 'active', 'major'));
    const { url } = await start();
    const text = await eventually('all have reported', async () => {
      const lines = await metricsOf(url);
      return (
        ['broker', 'ingest', 'api'].every((role) => lines.includes(`pc_role_up{role="${role}"} 1`)) && lines
      );
    });
    expect(text).toEqual(
      expect.arrayContaining([
        'pc_redis_up 1',
        'pc_role_up{role="alerts"} 0',
        'pc_trial_total{role="broker"} 3',
        'pc_trial_total{role="ingest"} 4',
        'pc_alarms_active{severity="major"} 2',
        'pc_alarms_active{severity="critical"} 0',
      ]),
    );
    for (const role of ['broker', 'ingest', 'api']) {
      expect(
        text.filter((line) => line.startsWith(`nodejs_eventloop_lag_p99_seconds{role="${role}"}`)),
      ).toHaveLength(1);
    }
    // Every line is a comment or a sample: name, labels in braces, number.
    const sample = /^[a-z0-9_]+(\{([a-z_]+="[^"]*",?)*\})? ([0-9.e+-]+|Nan)$/;
    expect(text.filter((line) => line !== '' && !line.startsWith('# ') && !sample.test(line))).toEqual([]);
  });

  it('counts its own requests by route', async () => {
    const { url } = await start();
    await fetch(`${url}/healthz?token=secret`);
    expect(await metricsOf(url)).toContain(
      'pc_http_request_seconds_count{route="/healthz",status="200",role="api"} 1',
    );
  });
});

describe('the API', () => {
  it('tells the time of the pipeline', async () => {
    const { url } = await start({}, { kind: 'simulated', originAt: 5000, anchorAt: Date.now(), speed: 120 });
    const clock = (await (await fetch(`${url}/api/v1/clock`)).json()) as {
      kind: string;
      now: number;
      speed: number;
    };
    expect(clock).toMatchObject({ kind: 'simulated', speed: 120 });
    expect(clock.now).toBeGreaterThanOrEqual(5000);
    const wall = await start();
    expect(await (await fetch(`${wall.url}/api/v1/clock`)).json()).toMatchObject({ kind: 'wall', speed: 1 });
  });

  it('lists the processes that report and counts the alarms', async () => {
    startRole('ingest', 'a trouble');
    const { url } = await start();
    const status = await eventually('ingest has reported', async () => {
      const now = (await (await fetch(`${url}/api/v1/status`)).json()) as { processes?: { role: string }[] };
      return now.processes?.some(({ role }) => role === 'ingest') === true && now;
    });
    expect(status).toMatchObject({ alarms: { active: 0, cleared: 0 }, clock: { kind: 'wall' } });
    expect(status.processes).toContainEqual({
      role: 'ingest',
      pid: process.pid,
      uptimeSeconds: expect.any(Number) as number,
      trouble: 'a trouble',
    });
  });

  it('shows a page that links to the rest', async () => {
    const { url } = await start();
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toContain('<a href="/readyz">');
  });

  it('answers what it does not know with problem details', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/api/v1/nothing?token=secret`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is nothing at GET /api/v1/nothing.',
    });
  });

  it('answers a URL it can not read with problem details, too', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/%zz`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('logs who asked for what, but neither query nor headers', async () => {
    const lines: string[] = [];
    const context = createTestContext(
      { redisUrl: server.url, influxUrl },
      { HTTP_PORT: String(await freePort()) },
    );
    contexts.push(context);
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
    const { url } = await startApi({ ...context, log });
    await fetch(`${url}/api/v1/clock?token=hidden`, { headers: { authorization: 'Bearer hidden' } });
    await fetch(`${url}/healthz`);
    const line = await eventually('the line', () => lines.find((text) => text.includes('HTTP request')));
    expect(JSON.parse(line)).toMatchObject({
      method: 'GET',
      path: '/api/v1/clock',
      status: 200,
      address: '127.0.0.1',
    });
    expect(lines.join('')).not.toMatch(/hidden|healthz/);
  });

  it('refuses a taken port in a sentence that names the setting', async () => {
    const { context } = await start();
    const port = String(context.settings.HTTP_PORT);
    const second = createTestContext({ redisUrl: server.url, influxUrl }, { HTTP_PORT: port });
    contexts.push(second);
    await expect(startApi(second)).rejects.toThrow(
      `HTTP port 127.0.0.1:${port} is taken by another program: set HTTP_PORT or HTTP_HOST to another.`,
    );
  });
});
