import { Agent } from 'node:http';
import { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import type { Transport } from '@influxdata/influxdb-client';
import { AppError, messageOf } from './app-error.js';
import { displayValue } from './settings.js';

export type InfluxKind = '1.x' | '2.x' | '3-core';

export interface InfluxOptions {
  readonly url: string;
  /** Token of 2.x and 3 Core; `user:password` for a 1.x that asks for one. */
  readonly token?: string | undefined;
  readonly org?: string | undefined;
  /** Bucket (2.x) or database (1.x, 3 Core). */
  readonly bucket: string;
  /** Only to read: a bucket that is not there is not created. */
  readonly readOnly?: boolean | undefined;
}

/** One row of a query's answer: column → value, with the tags of a `GROUP BY`; `time` is epoch ms. */
export type InfluxRow = Readonly<Record<string, string | number | boolean | null>>;

/** An InfluxDB whose dialect is known. */
export interface Influx {
  readonly url: string;
  readonly database: string;
  readonly kind: InfluxKind;
  readonly version: string;
  /**
   * Writes lines of line protocol with millisecond times, once, without retrying.
   * @throws InfluxRefusal when the server understood the request and will not take (all of) the lines; any
   * other error means that the same lines can be tried again
   */
  write(lines: string): Promise<void>;
  /** Runs an InfluxQL query. @throws when the server says no or can not be reached */
  query(influxql: string): Promise<InfluxRow[]>;
}

/** The server refused lines for what they are (400, 413, 422); the others of the batch may be stored. */
export class InfluxRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InfluxRefusal';
  }
}

/**
 * Asks the server what it is, makes sure the database is there (unless it is only read) and returns how to use it.
 * @throws AppError `influx_unreachable` (retryable), `influx_setup` (a setting or a right is missing)
 */
export async function openInflux(options: InfluxOptions): Promise<Influx> {
  const { url, bucket } = options;
  const { kind, version } = await identify(options);
  const transport = createTransport(options, kind);
  const database = encodeURIComponent(bucket);
  const org = encodeURIComponent(options.org ?? '');
  const writePath = {
    '1.x': `/write?db=${database}&precision=ms`,
    '2.x': `/api/v2/write?org=${org}&bucket=${database}&precision=ms`,
    '3-core': `/api/v2/write?bucket=${database}&precision=ms`,
  }[kind];
  const query = async (influxql: string) => {
    const path = `/query?db=${database}&epoch=ms&q=${encodeURIComponent(influxql)}`;
    return toRows(await transport.request(path, '', { method: 'GET' }));
  };
  try {
    if (options.readOnly === true) {
      // Whether it is there, the first question tells.
    } else if (kind === '1.x') {
      const create = `CREATE DATABASE "${bucket.replaceAll('"', '\\"')}"`;
      toRows(await transport.request(`/query?q=${encodeURIComponent(create)}`, '', { method: 'POST' }));
    } else if (kind === '2.x') await ensureBucket(transport, options);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError(
      'influx_setup',
      `InfluxDB ${version} at ${displayValue('INFLUX_URL', url)} does not let us use "${bucket}": ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
  }
  return {
    url,
    database: bucket,
    kind,
    version,
    query,
    async write(lines) {
      try {
        await transport.request(writePath, lines, {
          method: 'POST',
          headers: { 'content-type': 'text/plain; charset=utf-8' },
          ...(isLoopback(url) ? {} : { gzipThreshold: 1000 }),
        });
      } catch (error) {
        if (error instanceof HttpError && [400, 413, 422].includes(error.statusCode)) {
          throw new InfluxRefusal(refusalText(error));
        }
        throw error;
      }
    },
  };
}

async function identify(options: InfluxOptions): Promise<{ kind: InfluxKind; version: string }> {
  let version = '';
  let build = '';
  try {
    await createTransport(options, '2.x').request('/ping', '', { method: 'GET' }, (headers) => {
      version = String(headers['x-influxdb-version'] ?? '').replace(/^v/, '');
      build = String(headers['x-influxdb-build'] ?? '').toLowerCase();
    });
  } catch (error) {
    throw describeFailure(displayValue('INFLUX_URL', options.url), error);
  }
  if (version === '')
    throw notInflux(displayValue('INFLUX_URL', options.url), 'it does not give its version');
  const kind =
    version.startsWith('3') || build.includes('core') ? '3-core' : version.startsWith('2') ? '2.x' : '1.x';
  return { kind, version };
}

/** Whether nobody answers, it is somebody else, or it does not let us in: each is mended in another place. */
function describeFailure(url: string, error: unknown): AppError {
  const answered = error instanceof HttpError ? error.statusCode : undefined;
  if (answered !== undefined && answered < 500 && answered !== 401 && answered !== 403) {
    return notInflux(url, `it answers ${answered} to /ping`);
  }
  const what =
    answered === undefined
      ? `does not answer (${messageOf(error)}): check INFLUX_URL and that it runs`
      : answered < 500
        ? `asks who we are (${answered}): set INFLUX_TOKEN`
        : `answers ${answered}: check that it runs`;
  return new AppError('influx_unreachable', `InfluxDB at ${url} ${what}.`, { retryable: true, cause: error });
}

function notInflux(url: string, why: string): AppError {
  return new AppError('influx_setup', `What answers at ${url} is no InfluxDB (${why}): check INFLUX_URL.`);
}

function createTransport(options: InfluxOptions, kind: InfluxKind): Transport {
  const { url, token } = options;
  const authorization =
    token === undefined
      ? undefined
      : kind === '1.x'
        ? `Basic ${Buffer.from(token).toString('base64')}`
        : `${kind === '2.x' ? 'Token' : 'Bearer'} ${token}`;
  const secure = new URL(url).protocol === 'https:';
  return new InfluxDB({
    url,
    timeout: 30_000,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
    ...(secure ? {} : { transportOptions: { agent: new Agent({ keepAlive: true, maxSockets: 64 }) } }),
  }).transport;
}

async function ensureBucket(transport: Transport, options: InfluxOptions): Promise<void> {
  if (options.token === undefined || options.org === undefined) {
    throw new AppError(
      'influx_setup',
      `InfluxDB 2.x at ${displayValue('INFLUX_URL', options.url)} needs INFLUX_TOKEN and INFLUX_ORG.`,
    );
  }
  const name = encodeURIComponent(options.bucket);
  const org = encodeURIComponent(options.org);
  const found = (await transport.request(`/api/v2/buckets?name=${name}&org=${org}`, '', {
    method: 'GET',
  })) as {
    buckets?: unknown[];
  };
  if ((found.buckets ?? []).length > 0) return;
  const { orgs } = (await transport.request(`/api/v2/orgs?org=${org}`, '', { method: 'GET' })) as {
    orgs: { id: string }[];
  };
  await transport.request(
    '/api/v2/buckets',
    JSON.stringify({ name: options.bucket, orgID: orgs[0]?.id, retentionRules: [] }),
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    },
  );
}

interface InfluxqlAnswer {
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly tags?: Record<string, string>;
      readonly columns: readonly string[];
      readonly values?: readonly (readonly (string | number | boolean | null)[])[];
    }[];
  }[];
}

function toRows(answer: unknown): InfluxRow[] {
  const parsed = (
    typeof answer === 'string' && answer !== '' ? JSON.parse(answer) : answer
  ) as InfluxqlAnswer;
  const rows: InfluxRow[] = [];
  for (const { error, series } of parsed.results ?? []) {
    if (error !== undefined) throw new Error(error);
    for (const { tags, columns, values } of series ?? []) {
      for (const row of values ?? []) {
        rows.push({ ...tags, ...Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])) });
      }
    }
  }
  return rows;
}

function refusalText(error: HttpError): string {
  const said = (error.json ?? {}) as { error?: string; message?: string };
  return said.error ?? said.message ?? error.body ?? error.message;
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
