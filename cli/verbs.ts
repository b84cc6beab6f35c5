import type { Command } from 'commander';
import { roles } from '../runtime/roles.js';
import { roleSummaries } from './role-summaries.js';

/** One verb of the `campus` command. */
export interface Verb {
  readonly name: string;
  /** Its line in the list of verbs. */
  readonly summary: string;
  /** The heading that it stands under in that list. @defaultValue that of all verbs */
  readonly group?: string;
  /** Gives what adds the verb to a program. */
  readonly load: () => Promise<(program: Command) => void>;
}

const roleVerbs: readonly Verb[] = roles.map((role) => ({
  name: role,
  summary: `run ${roleSummaries[role]} alone`,
  group: 'Roles (each alone in this terminal):',
  load: async () => {
    const { addRoleCommand } = await import('./commands/role.js');
    return (program) => addRoleCommand(program, role);
  },
}));

/** Every verb, in the order in which the help lists them. */
export const verbs: readonly Verb[] = [
  {
    name: 'up',
    summary: 'start the pipeline and keep it running',
    load: async () => (await import('./commands/up.js')).addUpCommand,
  },
  {
    name: 'demo',
    summary: 'start the pipeline and play a demo on it',
    load: async () => (await import('./commands/demo.js')).addDemoCommand,
  },
  {
    name: 'status',
    summary: 'show addresses, processes, ledger and alarms of the running pipeline',
    load: async () => (await import('./commands/status.js')).addStatusCommand,
  },
  {
    name: 'config',
    summary: 'show every setting, its value and where it comes from',
    load: async () => (await import('./commands/config.js')).addConfigCommand,
  },
  {
    name: 'registry',
    summary: 'sites, rooms, timetables and devices: import, export, show',
    load: async () => (await import('./commands/registry.js')).addRegistryCommand,
  },
  {
    name: 'devices',
    summary: 'registered devices and their passwords',
    load: async () => (await import('./commands/devices.js')).addDevicesCommand,
  },
  {
    name: 'presence',
    summary: 'which devices are there, and since when',
    load: async () => (await import('./commands/presence.js')).addPresenceCommand,
  },
  {
    name: 'claims',
    summary: 'tokens with which an installer enrols devices on the spot',
    load: async () => (await import('./commands/claims.js')).addClaimsCommand,
  },
  {
    name: 'accounts',
    summary: 'MQTT accounts of people and programs that are no devices',
    load: async () => (await import('./commands/accounts.js')).addAccountsCommand,
  },
  {
    name: 'ca',
    summary: 'a small CA of your own: certificates for the broker and for devices',
    load: async () => (await import('./commands/ca.js')).addCaCommand,
  },
  {
    name: 'twin',
    summary: 'what a device reported, what is wanted of it, and the difference',
    load: async () => (await import('./commands/twin.js')).addTwinCommand,
  },
  {
    name: 'command',
    summary: 'tell devices what to do, and see what came of it',
    load: async () => (await import('./commands/command.js')).addCommandCommand,
  },
  {
    name: 'rollout',
    summary: 'tell a group of devices what to do: one first, then a tenth, then the rest',
    load: async () => (await import('./commands/rollout.js')).addRolloutCommand,
  },
  {
    name: 'approvals',
    summary: 'what waits for a second person: list it, approve it, reject it',
    load: async () => (await import('./commands/approvals.js')).addApprovalsCommand,
  },
  {
    name: 'audit',
    summary: 'who did what: list it, verify that nothing was changed, export it',
    load: async () => (await import('./commands/audit.js')).addAuditCommand,
  },
  {
    name: 'replay',
    summary: 'publish a recorded file as a device',
    load: async () => (await import('./commands/replay.js')).addReplayCommand,
  },
  {
    name: 'alarms',
    summary: 'list the active alarms',
    load: async () => (await import('./commands/alarms.js')).addAlarmsCommand,
  },
  {
    name: 'incidents',
    summary: 'alarms with one cause: list them, and tell the story of one',
    load: async () => (await import('./commands/incidents.js')).addIncidentsCommand,
  },
  {
    name: 'ledger',
    summary: 'what became of everything that was received',
    load: async () => (await import('./commands/ledger.js')).addLedgerCommand,
  },
  {
    name: 'quarantine',
    summary: 'messages that could not be understood',
    load: async () => (await import('./commands/quarantine.js')).addQuarantineCommand,
  },
  {
    name: 'rules',
    summary: 'the rules that raise alarms',
    load: async () => (await import('./commands/rules.js')).addRulesCommand,
  },
  {
    name: 'maintenance',
    summary: 'work that is announced, so that rules know of it',
    load: async () => (await import('./commands/maintenance.js')).addMaintenanceCommand,
  },
  {
    name: 'backtest',
    summary: 'try rules on history: how often would they have fired',
    load: async () => (await import('./commands/backtest.js')).addBacktestCommand,
  },
  {
    name: 'why',
    summary: 'why an alarm was raised: rule, values and readings of each transition',
    load: async () => (await import('./commands/why.js')).addWhyCommand,
  },
  {
    name: 'why-not',
    summary: 'why a rule did not fire: which clause was false, and by how much',
    load: async () => (await import('./commands/why-not.js')).addWhyNotCommand,
  },
  {
    name: 'profiles',
    summary: "what turns vendors' payloads into readings",
    load: async () => (await import('./commands/profiles.js')).addProfilesCommand,
  },
  {
    name: 'bridges',
    summary: 'other brokers that readings are taken from',
    load: async () => (await import('./commands/bridges.js')).addBridgesCommand,
  },
  {
    name: 'install',
    summary: 'install redis-server and influxd where they are missing',
    load: async () => (await import('./commands/install.js')).addInstallCommand,
  },
  ...roleVerbs,
];
