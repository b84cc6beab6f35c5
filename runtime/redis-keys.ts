/**
 * Every Redis key of the pipeline in one table: rooms meet through these records. Keys of one shard share
 * the hash tag `{n}`, so that they live on one node of a Redis Cluster and can be changed together.
 */
export const redisKeys = {
  /** Stream: the reading log of a shard; field `f` is a frame (ingest/log/frame.ts). */
  log: (shard: number) => `pc:{${shard}}:log`,
  /** Counter: device messages ever appended to the shard. */
  appended: (shard: number) => `pc:{${shard}}:appended`,
  /** Hash: topic → the last message that was published there with RETAIN (ingest/log/retained.ts). */
  retained: (shard: number) => `pc:{${shard}}:retained`,
  /** String that expires: which ingest follows the shard (JSON). */
  lease: (shard: number) => `pc:{${shard}}:lease`,
  /** Counter: the token of the shard's latest owner; whoever has an older one may change nothing. */
  leaseToken: (shard: number) => `pc:{${shard}}:lease:token`,
  /** Hash: the store's checkpoint: `@cursor`, `@writing`, `@save`, `@settled`, `@total`, `@reasons`, `@expired` and each device's ledger entry. */
  store: (shard: number) => `pc:{${shard}}:store`,
  /**
   * Hash: the judge's checkpoint: `@save` (which one it is), `@cursor`, `@rules` (the set of rules that entries behind
   * it are judged by), `@committed` (the last entry that alarms were recorded of; it may be behind the cursor),
   * `@opened` (since when the front door listens, epoch ms), `e/<device>` engine state, `d/<device>` the judge's own,
   * `b/<bridge>` presence of a bridge, `r/…` what of the registry entries behind the cursor are judged by.
   */
  judge: (shard: number) => `pc:{${shard}}:judge`,
  /** Hash: device id → its presence as the judge decided (JSON: state, since, lastSeenAt, through). */
  presence: (shard: number) => `pc:{${shard}}:presence`,
  /** Stream, capped: changes of presence in order, each once; field `c` is the change (JSON). */
  presenceChanges: (shard: number) => `pc:{${shard}}:presence:changes`,
  /** Hash: activation id → active alarm (JSON). */
  alarms: (shard: number) => `pc:{${shard}}:alarms`,
  /** Hash: activation id → cleared alarm (JSON), the newest of them. */
  clearedAlarms: (shard: number) => `pc:{${shard}}:cleared`,
  /** The same of rules that are tried out (mode shadow): active, cleared, and their order. */
  shadowAlarms: (shard: number) => `pc:{${shard}}:shadow`,
  clearedShadowAlarms: (shard: number) => `pc:{${shard}}:shadow:cleared`,
  clearedShadowOrder: (shard: number) => `pc:{${shard}}:shadow:cleared:order`,
  /** Sorted set: ids of the cleared alarms by the time of clearing, to forget the oldest. */
  clearedOrder: (shard: number) => `pc:{${shard}}:cleared:order`,
  /** Stream: alarm transitions for the desk; field `t` is the transition (JSON). */
  outbox: (shard: number) => `pc:{${shard}}:outbox`,
  /** Stream: messages that could not be understood, with reason and original bytes. */
  quarantine: (shard: number) => `pc:{${shard}}:quarantine`,
  /** Hash: what that stream holds: `@bytes`, and messages by reason; changed together with it. */
  quarantineHeld: (shard: number) => `pc:{${shard}}:quarantine:held`,
  /** Hash: the twins' checkpoint: `@cursor` and `d/<device>` → what the device last reported (JSON). */
  twins: (shard: number) => `pc:{${shard}}:twins`,
  /** Hash: site id → site (JSON). */
  sites: 'pc:sites',
  /** Hash: `site/room` → room (JSON). */
  rooms: 'pc:rooms',
  /** Hash: site id → timetable (JSON). */
  timetables: 'pc:timetables',
  /** Hash: device id → device (JSON). */
  devices: 'pc:devices',
  /** Hash: device id → how often it was removed or moved to another site; stays when it is. */
  removals: 'pc:devices:removals',
  /** Hash: device id → what its secrets are checked against (JSON); the secrets themselves are nowhere. */
  credentials: 'pc:credentials',
  /** Hash: device id → which of its certificates are revoked (JSON); stays when the device is removed. */
  revokedCertificates: 'pc:certificates:revoked',
  /** Hash: device id → `number broker`, the newest connection of each device that is connected. */
  connections: 'pc:connections',
  /** Counter: connections of devices ever. */
  connectionCount: 'pc:connections:count',
  /** Prefix of the channels on which a broker is told, as `device number`, of connections it has lost. */
  takeovers: 'pc:takeover:',
  /** Hash: broker process → wall time of its last sign of life, epoch ms. */
  brokers: 'pc:brokers',
  /** Hash: token id → claim token (JSON), without its secret. */
  claimTokens: 'pc:claim-tokens',
  /** Stream, capped: who claimed which device, when, from where, and what came of it. */
  claims: 'pc:claims',
  /** Claims with tokens that there are not, apart, so that whoever guesses pushes nothing else out. */
  wrongClaims: 'pc:claims:wrong',
  /** Hash: account name → account (JSON), without its secrets. */
  accounts: 'pc:accounts',
  /** Hash: device id → what the brokers see of its connection (JSON). */
  contacts: 'pc:contacts',
  /** Counter: goes up with every change to sites, rooms, timetables and devices, so that caches know. */
  registryVersion: 'pc:registry:version',
  /** String with an expiry: who changes so much that those who change one device wait. */
  registryHold: 'pc:registry:hold',
  /** Stream, capped: what was changed in the registry and credentials (`kind`, `id`). */
  registryChanges: 'pc:registry:changes',
  /** Hash: id → maintenance window (JSON). */
  maintenance: 'pc:maintenance',
  /** Hash: rule id → the mode that somebody put it in, whatever its file says (JSON: mode, by, at). */
  ruleModes: 'pc:rules:modes',
  /** Hash: set id → a set of rules that judges have gone by (JSON: its files and modes). */
  ruleSets: 'pc:rules:sets',
  /** Sorted set: the ids of those sets by when one was last switched to, wall epoch ms. */
  ruleSetsUsed: 'pc:rules:sets:used',
  /**
   * Stream: who did what (devices/audit.ts), the number of each record as its id; `e` the event (JSON), `p` the hash
   * of the record before, `h` its own. Written in the same step as what it tells of, so it shares the hash tag of commands.
   */
  audit: 'pc:{commands}:audit-chain',
  /** Hash: `seq` and `hash` of the last record; `base_seq` and `base_hash` of the last one removed by age. */
  auditHead: 'pc:{commands}:audit-chain:head',
  /** String: the clock's spec (JSON). */
  clock: 'pc:clock',
  /** String: the last pipeline time the broker wrote to the log, epoch ms. */
  clockSeen: 'pc:clock:seen',
  /** String with an expiry: the broker process that writes the ticks. */
  tickLease: 'pc:tick:lease',
  /** String: Redis' time at the last tick in the log, epoch ms. */
  tickedAt: 'pc:tick:at',
  /** String: number of shards the log was created with. */
  shards: 'pc:shards',
  /** Hash: `role:pid` → heartbeat and metrics of a role process (JSON). */
  roles: 'pc:roles',
  /** Hash: process name → pid, restarts and start time, written by the supervisor (JSON). */
  processes: 'pc:processes',
  /** String that expires: which process is the desk (JSON). All keys of the desk share a hash tag. */
  deskLease: 'pc:{desk}:lease',
  /** Counter: the token of the latest desk; whoever has an older one may change nothing. */
  deskLeaseToken: 'pc:{desk}:lease:token',
  /** Hash: where the desk stands: `@turn`, and the last entry taken of each stream that it follows, by key. */
  deskState: 'pc:{desk}:state',
  /** Hash: activation id → alarm as the desk keeps it (JSON), as long as it or its incident is open. */
  deskAlarms: 'pc:{desk}:alarms',
  /** Hash: the same of alarms that are over, the newest (ALARM_HISTORY_COUNT, INCIDENT_HISTORY_DAYS). */
  deskPastAlarms: 'pc:{desk}:alarms:past',
  /** Sorted set: ids of those by when they were over, pipeline epoch ms. */
  deskPastAlarmsOrder: 'pc:{desk}:alarms:past:order',
  /** Hash: incident id → open incident (JSON, alerts/incidents/incident.ts). */
  incidents: 'pc:{desk}:incidents',
  /** Hash: the same of those that are closed or merged, the newest (INCIDENT_HISTORY_COUNT, INCIDENT_HISTORY_DAYS). */
  pastIncidents: 'pc:{desk}:incidents:past',
  /** Sorted set: ids of those by when they were closed, pipeline epoch ms. */
  pastIncidentsOrder: 'pc:{desk}:incidents:past:order',
  /** Set: ids of the alarms of an incident; goes with the incident. */
  incidentAlarms: (incident: string) => `pc:{desk}:incident:${incident}:alarms`,
  /** Hash: event id → step of an incident's story (JSON); goes with the incident. */
  incidentStory: (incident: string) => `pc:{desk}:incident:${incident}:story`,
  /** Hash: key of an alarm (rule, device, part) → who holds it back, until when (JSON). */
  shelves: 'pc:{desk}:shelves',
  /** Stream: what operators want done about alarms; field `t` is the action (JSON). */
  operatorActions: 'pc:{desk}:actions',
  /** String that expires: what the desk answered to an operator's action (JSON). */
  operatorReply: (action: string) => `pc:{desk}:reply:${action}`,
  /** Stream: what people have to be told of incidents, for the notify queue; field `t` is the notice (JSON). */
  notices: 'pc:{desk}:notices',
  /** Hash: `notice|recipient` → `sending`, `sent` or `refused`, wall ms and, where refused, the reason. */
  sent: 'pc:sent',
  /** Hash: command id → command (JSON), open and finished ones. All keys of commands share a hash tag. */
  commands: 'pc:{commands}:record',
  /** Hash: device id → ids of its open commands (JSON), oldest first. */
  commandsOpen: 'pc:{commands}:open',
  /** Sorted set: open commands of a shard's devices by when time closes them, pipeline epoch ms. */
  commandsDue: (shard: number) => `pc:{commands}:due:${shard}`,
  /** Sorted set: finished commands by when they finished, pipeline epoch ms. */
  commandsFinished: 'pc:{commands}:finished',
  /** Counter: commands ever issued; who decided by what was under way before issues only while it stands. */
  commandsCount: 'pc:{commands}:count',
  /** Hash: device id → when it was commanded in the last day (JSON), harmless actions left out; pipeline epoch ms. */
  commandsLately: 'pc:{commands}:lately',
  /** String: who stopped all commands, when and why (JSON); absent: they go. */
  commandsStopped: 'pc:{commands}:stopped',
  /** Hash: approval id → approval (JSON). */
  approvals: 'pc:{commands}:approvals',
  /** Hash: rollout id → rollout (JSON). */
  rollouts: 'pc:{commands}:rollouts',
  /** Set: ids of the rollouts that may still issue commands. */
  rolloutsActive: 'pc:{commands}:rollouts:active',
  /** Hash: device id → what came of the rollout's command to it; empty while it is under way. */
  rolloutProgress: (rollout: string) => `pc:{commands}:rollout:${rollout}`,
  /** Hash: state key → what somebody wants it to be (JSON). */
  desired: (device: string) => `pc:{commands}:desired:${device}`,
  /** Channel: the id of a device that a command was issued for. */
  commandsIssued: 'pc:commands:issued',
  /** Hash: `group/node` → what a Sparkplug edge node said at its birth (JSON), as a bridge heard it. */
  bridgeBirths: (bridge: string) => `pc:bridge:${bridge}:births`,
  /** Hash: bridge → the topic filters that its session at the other broker holds (JSON). */
  bridgeFilters: 'pc:bridge:filters',
  /** Prefix of BullMQ's own keys. */
  bullPrefix: 'pc:bull',
} as const;
