import { fastify, LogController } from 'fastify';
import type { FastifyBaseLogger } from 'fastify';
import { countAlarms, listAlarms } from '../../alerts/redis-alarm-list.js';
import { claimCredentials, findClaimToken, recordWrongToken } from '../../devices/redis-claims.js';
import { cannotListen } from '../../runtime/cannot-listen.js';
import { failureLimits, FailureThrottle } from '../../runtime/failure-throttle.js';
import { connectRedis } from '../../runtime/redis-connection.js';
import { readRoleReports, startRoleReport } from '../../runtime/redis-role-report.js';
import type { RoleContext } from '../../runtime/role.js';
import { logAccess } from './access-log.js';
import { addClaimRoute } from './claim-route.js';
import { addFrontPage } from './front-page.js';
import { addHealthRoutes } from './health-routes.js';
import { addMetricsRoute } from './metrics-route.js';
import { addPipelineRoutes } from './pipeline-routes.js';
import { answerError, answerProblems } from './problem.js';
import { checkReadiness, partTimeoutMs } from './readiness.js';

/**
 * Starts the HTTP API. It needs no other part to be there: it is what says which of them isn't.
 * @throws AppError `port_taken`
 */
export async function startApi(context: RoleContext): Promise<{ url: string }> {
  const { settings, influxUrl, clock, log, lifeCycle, metrics } = context;
  const redis = connectRedis(context.redisUrl, log, {
    enableOfflineQueue: false,
    commandTimeout: partTimeoutMs,
  });
  lifeCycle.onStop('redis', () => redis.disconnect());
  const readReports = async () => {
    // The library's own words for this are about a stream that isn't writeable.
    if (redis.status !== 'ready') throw new Error('not connected');
    return readRoleReports(redis);
  };

  // Declared as the plain type, which keeps the server's own type plain.
  const loggerInstance: FastifyBaseLogger = log;
  const server = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: answerError,
    forceCloseConnections: true,
  });
  logAccess(server, metrics);
  answerProblems(server);
  addHealthRoutes(server, () => checkReadiness(readReports, influxUrl));
  addMetricsRoute(server, {
    own: metrics,
    readReports,
    readActiveAlarms: () => listAlarms(redis, 'active'),
  });
  addPipelineRoutes(server, { clock, readReports, countAlarms: () => countAlarms(redis) });
  addClaimRoute(server, {
    findToken: (id) => findClaimToken(redis, id),
    claim: (claim) => claimCredentials(redis, claim),
    wrongToken: (tried) => recordWrongToken(redis, { ...tried, via: 'http' }),
    throttle: new FailureThrottle(failureLimits(settings)),
    metrics,
  });
  addFrontPage(server, clock, settings.TIMEZONE);

  const { HTTP_HOST: host, HTTP_PORT: port } = settings;
  const url = await server.listen({ host, port }).catch((error: unknown) => {
    const wanted = { host, port, hostSetting: 'HTTP_HOST', portSetting: 'HTTP_PORT' } as const;
    throw cannotListen(wanted, error as NodeJS.ErrnoException);
  });
  lifeCycle.onStop('HTTP server', () => server.close());
  startRoleReport(context, 'api', () => undefined);
  return { url };
}
