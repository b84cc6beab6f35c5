import { hostname } from 'node:os';
import type { z } from 'zod';
import type { DeviceClass } from '../../devices/device-class.js';
import type { Profile } from '../../devices/profiles/profile.js';
import { formatProblems } from '../../devices/text-problem.js';
import type { TextProblem } from '../../devices/text-problem.js';
import { parseYamlList } from '../../devices/yaml-list.js';
import type { YamlList } from '../../devices/yaml-list.js';
import { AppError } from '../../runtime/app-error.js';
import { checkTopicFilter } from '../guard/topic-syntax.js';
import { bridgeKeys, bridgeSchema, subscriptionKeys } from './bridge-definition.js';

/** One broker of somebody else's, and what we want from it. */
export interface Bridge extends Omit<z.infer<typeof bridgeSchema>, 'subscriptions' | 'clientId'> {
  readonly clientId: string;
  readonly subscriptions: readonly Subscription[];
}

/** Topics of one site whose devices are of one class and speak one dialect. */
export interface Subscription {
  readonly topics: readonly string[];
  readonly profile: Profile;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  readonly prefix: string;
  /** Our ids by the vendor's names, where the file names them. */
  readonly devices: ReadonlyMap<string, string>;
  readonly qos: 0 | 1;
}

/**
 * Reads the bridges of a file.
 * @throws AppError `bad_bridges` with file, line and column of every mistake
 */
export function parseBridges(
  file: string,
  text: string,
  profiles: ReadonlyMap<string, Profile>,
): readonly Bridge[] {
  const list = parseYamlList(file, text, { entry: 'bridge', firstKey: 'name' });
  const problems: TextProblem[] = [...list.problems];
  const bridges: Bridge[] = [];
  const clientIds = new Set<string>();
  list.entries.forEach((plain, index) => {
    const checked = bridgeSchema.safeParse(plain);
    if (!checked.success) {
      problems.push(...checked.error.issues.flatMap((issue) => describeIssue(list, index, issue)));
      return;
    }
    const bridge = resolve(checked.data, profiles, (path, message) =>
      problems.push(list.problemAt(index, path, message)),
    );
    // Two connections with one client id put each other out for ever.
    for (const [key, own] of [
      ['name', `name ${bridge.name}`],
      ['clientId', `client id ${bridge.clientId}`],
    ] as const) {
      if (clientIds.has(own))
        problems.push(list.problemAt(index, [key], `Another bridge has the ${own} already.`));
      clientIds.add(own);
    }
    bridges.push(bridge);
  });
  if (problems.length > 0)
    throw new AppError('bad_bridges', formatProblems('No bridge was started', problems));
  return bridges;
}

type Path = readonly (string | number)[];
type Report = (path: Path, message: string) => void;

function resolve(
  written: z.infer<typeof bridgeSchema>,
  profiles: ReadonlyMap<string, Profile>,
  report: Report,
): Bridge {
  if (written.passwordEnv !== undefined && written.passwordFile !== undefined) {
    report(['passwordEnv'], 'Give the password in one place: passwordEnv or passwordFile.');
  }
  const subscriptions = written.subscriptions.flatMap((subscription, i) => {
    const at = (path: Path, message: string) => report(['subscriptions', i, ...path], message);
    const profile = profiles.get(subscription.profile);
    if (profile === undefined) {
      at(
        ['profile'],
        `There is no profile "${subscription.profile}". Known are: ${[...profiles.keys()].join(', ')}.`,
      );
      return [];
    }
    if (profile.name === 'sparkplug' && written.share !== undefined) {
      at(
        ['profile'],
        'Sparkplug numbers its messages: one process has to hear them all, so there can be no share.',
      );
    }
    const [only, ...others] = profile.deviceClasses;
    const deviceClass = subscription.class ?? (others.length === 0 ? only : undefined);
    if (deviceClass === undefined) {
      at(['class'], `The subscription lacks "class": one of ${profile.deviceClasses.join(', ')}.`);
      return [];
    }
    if (!profile.deviceClasses.includes(deviceClass)) {
      at(
        ['class'],
        `The profile "${profile.name}" knows no ${deviceClass}; it knows ${profile.deviceClasses.join(', ')}.`,
      );
    }
    const { site, prefix, qos } = subscription;
    const topics = (subscription.topics ?? profile.topics).map((filter) => filter.replaceAll('{site}', site));
    topics.forEach((filter, topic) => checkFilter(filter, (message) => at(['topics', topic], message)));
    const devices = new Map(Object.entries(subscription.devices));
    const ids = [...devices.values()];
    for (const [name, id] of devices) {
      if (ids.indexOf(id) !== ids.lastIndexOf(id)) at(['devices', name], `Two devices have the id "${id}".`);
    }
    return [{ topics, profile, site, deviceClass, prefix, devices, qos }];
  });
  return { ...written, clientId: written.clientId ?? defaultClientId(written), subscriptions };
}

/** Processes on several machines that share one subscription read the same file and must not put each other out. */
function defaultClientId({ name, share }: z.infer<typeof bridgeSchema>): string {
  return `campus-bridge-${name}${share === undefined ? '' : `-${hostname()}`}`;
}

function checkFilter(filter: string, report: (message: string) => void): void {
  if (filter.startsWith('$share/')) report('Name the group with "share:" of the bridge, not in the filter.');
  try {
    checkTopicFilter(filter);
  } catch (error) {
    report(`"${filter}" is no topic filter: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function describeIssue(list: YamlList, index: number, issue: z.core.$ZodIssue): readonly TextProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = path.length === 0 ? bridgeKeys : subscriptionKeys;
    return issue.keys.map((key) =>
      list.problemAt(index, path, `There is no key "${key}" here. Known are: ${known.join(', ')}.`, { key }),
    );
  }
  const where = path.length === 0 ? 'A bridge' : `"${path.join('.')}"`;
  return [list.problemAt(index, path, `${where} ${issue.message}.`)];
}
