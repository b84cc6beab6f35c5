import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../cli/stores/free-port.js';
import type { Credentials } from '../../devices/credential.js';
import { projectRoot } from '../../runtime/project-root.js';
import type { SettingName } from '../../runtime/settings.js';
import { eventually } from './eventually.js';

const main = join(projectRoot, 'dist/cli/main.js');
const run = promisify(execFile);

/** What `campus status --json` prints. */
export interface CampusStatus {
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly http: string;
  readonly influx: {
    readonly url: string;
    readonly database: string;
    readonly version: string;
    readonly kind: string;
  };
  readonly redis: string;
  readonly processes: readonly {
    readonly role: string;
    readonly pid: number;
    readonly ready: boolean;
    readonly restarts: number;
    readonly uptimeSeconds: number;
  }[];
  readonly ledger: Readonly<
    Record<'received' | 'written' | 'quarantined' | 'duplicates' | 'gaps' | 'late' | 'pending', number>
  >;
  readonly alarms: { readonly active: number; readonly cleared: number };
}

/** A whole pipeline in processes of its own, started with the command that users start it with. */
export class CampusProcess {
  readonly dataDir: string;
  readonly mqttPort: number;
  readonly #env: NodeJS.ProcessEnv;
  readonly #verb: 'up' | 'demo';
  #child: ChildProcess | undefined;
  /** All it printed. */
  output = '';

  private constructor(dataDir: string, mqttPort: number, env: NodeJS.ProcessEnv, verb: 'up' | 'demo') {
    this.dataDir = dataDir;
    this.mqttPort = mqttPort;
    this.#env = env;
    this.#verb = verb;
  }

  /** Starts it in a temporary data folder on free ports and waits until all roles are up. */
  static async start(
    settings: Partial<Record<SettingName, string>> = {},
    verb: 'up' | 'demo' = 'up',
  ): Promise<CampusProcess> {
    const dataDir = await mkdtemp(join(tmpdir(), 'campus-e2e-'));
    const [mqttPort, httpPort] = [Number(settings.MQTT_PORT ?? (await freePort())), await freePort()];
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATA_DIR: dataDir,
      MQTT_PORT: String(mqttPort),
      HTTP_PORT: String(httpPort),
      ...settings,
    };
    const campus = new CampusProcess(dataDir, mqttPort, env, verb);
    await campus.up();
    return campus;
  }

  /** Starts it (again) on the same data. */
  async up(): Promise<void> {
    const child = spawn(process.execPath, [main, this.#verb], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    await eventually(
      'the pipeline to be up',
      async () => {
        if (child.exitCode !== null) throw new Error(this.output);
        const { processes } = await this.status();
        return ['broker', 'ingest', 'alerts', 'api'].every((role) =>
          processes.some((process) => process.role === role && process.ready),
        );
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`campus ${this.#verb} failed: ${this.output}`, { cause: error });
    });
  }

  /** Runs a verb of the command line against it and returns its JSON. */
  async json(...args: string[]): Promise<unknown> {
    return JSON.parse((await this.run(...args, '--json')).stdout);
  }

  /** Runs a verb of the command line against it and returns what it printed. */
  run(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
    return run(process.execPath, [main, ...args], { env: this.#env, maxBuffer: 1 << 28 });
  }

  async status(): Promise<CampusStatus> {
    return (await this.json('status')) as CampusStatus;
  }

  async issue(site: string, device: string, deviceClass = 'sensor'): Promise<Credentials> {
    return (await this.json(
      'devices',
      'issue',
      '--site',
      site,
      '--class',
      deviceClass,
      '--device',
      device,
    )) as Credentials;
  }

  /** Ends it as Ctrl-C does and returns its exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
    return child.exitCode;
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
