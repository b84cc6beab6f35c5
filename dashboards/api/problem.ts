import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../runtime/app-error.js';

/** Answers an error as RFC 9457 problem details. What went wrong inside is logged and never shown. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (status === 500) {
    request.log.error({ err: error }, `${request.method} ${pathOf(request.url)}: ${messageOf(error)}`);
  }
  const detail =
    status === 500
      ? 'Something went wrong inside; the log of the role "api" says what.'
      : status === 415
        ? 'Send the body as JSON, with the header "content-type: application/json".'
        : error.message;
  sendProblem(reply, status, detail);
}

/** Makes the server answer every error, and every route that isn't there, as problem details. */
export function answerProblems(server: FastifyInstance): void {
  server.setErrorHandler(answerError);
  server.setNotFoundHandler((request, reply) => {
    sendProblem(reply, 404, `There is nothing at ${request.method} ${pathOf(request.url)}.`);
  });
}

/** The URL without its query, which may hold what is nobody's business. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/';
}

function sendProblem(reply: FastifyReply, status: number, detail: string): void {
  const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
  void reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}
