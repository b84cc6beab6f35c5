import { readFile } from 'node:fs/promises';

/** Files that the process needs beside its sockets to clients: stores, logs, libraries. */
const others = 100;

/** One sentence when the process may not open as many files as it may have sockets; undefined when it may. */
export async function findFileLimitTrouble(maxSockets: number): Promise<string | undefined> {
  // Only Linux has it; elsewhere there is nothing to say.
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  return describeFileLimit(limits, maxSockets);
}

/** @param limits what `/proc/self/limits` says */
export function describeFileLimit(limits: string, maxSockets: number): string | undefined {
  const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const needed = maxSockets + others;
  if (files >= maxSockets) return undefined;
  return (
    `the system allows ${files} open files, fewer than MQTT_MAX_SOCKETS (${maxSockets}) needs, and refuses connections above: ` +
    `"ulimit -n ${needed}" before the start (LimitNOFILE= in a systemd unit) allows more, or set MQTT_MAX_SOCKETS to ${Math.max(1, files - others)}.`
  );
}
