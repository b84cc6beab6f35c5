import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { collectorFlags } from '../../cli/supervisor/role-spec.js';
import { report, rounded } from './report.js';

/** What the process beside this file measures of the rules engine. */
export interface RulesResult {
  readonly readingsPerSecond: number;
  readonly evaluationsPerSecond: number;
  /** Evaluations a second of plain limits, as a multiple of json-rules-engine's. */
  readonly ratioToJsonRulesEngine: number;
  /** What an evaluation costs with ten times the devices, as a multiple. */
  readonly costGrowth10xDevices: number;
  readonly costGrowth10xRules: number;
  readonly bytesPerDeviceRule: number;
  /** Of the whole city, as are the following. */
  readonly tickMs: number;
  readonly checkpointMs: number;
  readonly checkpointBytes: number;
  readonly restoreMs: number;
}

const child = fork(join(import.meta.dirname, 'rules-process.js'), process.argv.slice(2), {
  execArgv: [...collectorFlags, '--max-old-space-size=8192'],
});
const [result] = (await once(child, 'message')) as [RulesResult];
const { readingsPerSecond, evaluationsPerSecond, ratioToJsonRulesEngine } = result;
const { costGrowth10xDevices, costGrowth10xRules, bytesPerDeviceRule } = result;
const { tickMs, checkpointMs, checkpointBytes, restoreMs } = result;
report(
  {
    readingsPerSecond: Math.round(readingsPerSecond),
    evaluationsPerSecond: Math.round(evaluationsPerSecond),
    ratioToJsonRulesEngine: rounded(ratioToJsonRulesEngine),
    costGrowth10xDevices: rounded(costGrowth10xDevices),
    costGrowth10xRules: rounded(costGrowth10xRules),
    bytesPerDeviceRule: Math.round(bytesPerDeviceRule),
    tickMs: rounded(tickMs),
    checkpointMs: rounded(checkpointMs),
    checkpointBytes,
    restoreMs: rounded(restoreMs),
  },
  [
    `${Math.round(readingsPerSecond)} readings/s and ${Math.round(evaluationsPerSecond)} rule evaluations/s with the whole catalogue on one core.`,
    `${rounded(ratioToJsonRulesEngine)} times json-rules-engine on plain limits.`,
    `An evaluation costs ${rounded(costGrowth10xDevices)} times as much with ten times the devices, and ${rounded(costGrowth10xRules)} times with ten times the rules.`,
    `${Math.round(bytesPerDeviceRule)} bytes of state a device and rule; a tick over the city takes ${rounded(tickMs)} ms.`,
    `A checkpoint of the whole city is ${rounded(checkpointBytes / 1e6)} MB and takes ${rounded(checkpointMs)} ms; a restart reads it in ${rounded(restoreMs)} ms.`,
  ],
);
