import type { Role } from '../runtime/roles.js';

/** What each role is, as the help names it. */
export const roleSummaries: Readonly<Record<Role, string>> = {
  broker: 'the MQTT front door',
  ingest: 'the reading log into InfluxDB and the rules',
  alerts: 'alarms into incidents and mails',
  bridge: 'the bridges to other brokers (BRIDGES_FILE)',
  api: 'the HTTP API',
};
