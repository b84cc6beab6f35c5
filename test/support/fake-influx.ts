import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WriteRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly lines: readonly string[];
  /** Wall time, epoch ms. */
  readonly at: number;
}

/** What the server says to a write: status and JSON body. */
export interface WriteAnswer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

/**
 * As much of InfluxDB 2.x or 3 Core as a writer sees, for what a real server can't be made to do: be busy, refuse
 * certain lines, lose its bucket. `written` is what it confirmed.
 */
export class FakeInflux {
  readonly requests: WriteRequest[] = [];
  readonly written: string[] = [];
  readonly created: string[] = [];
  hasBucket = true;
  /** Asked for each write; undefined confirms it. */
  answer: (request: WriteRequest) => WriteAnswer | undefined = () => undefined;
  readonly #server: Server;
  readonly #version: Record<string, string>;

  private constructor(kind: '2.x' | '3-core') {
    this.#version =
      kind === '2.x'
        ? { 'x-influxdb-version': 'v2.7.11', 'x-influxdb-build': 'OSS' }
        : { 'x-influxdb-version': '3.2.1', 'x-influxdb-build': 'Core' };
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(kind: '2.x' | '3-core'): Promise<FakeInflux> {
    const fake = new FakeInflux(kind);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const path = request.url ?? '';
    const say = (status: number, json?: object, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(json === undefined ? undefined : JSON.stringify(json));
    if (path === '/ping') say(204, undefined, this.#version);
    else if (path.startsWith('/api/v2/buckets') && request.method === 'GET')
      say(200, { buckets: this.hasBucket ? [{ id: 'b' }] : [] });
    else if (path.startsWith('/api/v2/orgs')) say(200, { orgs: [{ id: 'org-id' }] });
    else if (path === '/api/v2/buckets') {
      this.created.push(body);
      this.hasBucket = true;
      say(201, {});
    } else if (path.startsWith('/api/v2/write')) {
      const { authorization } = request.headers;
      const write = { path, authorization, lines: body.split('\n'), at: Date.now() };
      this.requests.push(write);
      const refusal = this.hasBucket
        ? this.answer(write)
        : { status: 404, body: { code: 'not found', message: 'bucket "campus" not found' } };
      if (refusal === undefined) this.written.push(...write.lines);
      say(refusal?.status ?? 204, refusal?.body, refusal?.headers);
    } else say(404);
  }
}
