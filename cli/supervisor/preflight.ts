import { parseAddresses } from '../../alerts/smtp-addresses.js';
import { readBridges } from '../../broker/bridge/read-bridges.js';
import { CertificateFiles } from '../../broker/listeners/certificate-files.js';
import { loadProfiles } from '../../devices/profiles/load-profiles.js';
import { loadRules } from '../../rules/load-rules.js';
import { allMqttAddresses } from '../../runtime/mqtt-addresses.js';
import { ruleFolders } from '../../runtime/rules-folder.js';
import type { Settings } from '../../runtime/settings.js';
import { assertPortFree } from './listening-port.js';

/**
 * Finds, before anything is started or written, what would only keep a role from starting a while later.
 * @throws AppError `bad_setting`, `bad_bridges`, `bad_certificate`; the problems of rule files and profiles
 */
export async function preflight(settings: Settings): Promise<void> {
  parseAddresses('MAIL_FROM', settings.MAIL_FROM);
  if (settings.MAIL_TO !== undefined) parseAddresses('MAIL_TO', settings.MAIL_TO);
  await loadRules(...ruleFolders(settings));
  const profiles = await loadProfiles(settings.PROFILES_DIR);
  if (settings.BRIDGES_FILE !== undefined) await readBridges(settings.BRIDGES_FILE, profiles);
  const isSecure = allMqttAddresses(settings).some(
    ({ transport }) => transport === 'tls' || transport === 'wss',
  );
  if (isSecure) new CertificateFiles(settings);
}

/** @throws AppError `port_taken` or `port_refused` for the first address that can't be listened on */
export async function assertPortsFree(settings: Settings): Promise<void> {
  const { HTTP_HOST: host, HTTP_PORT: port } = settings;
  for (const address of allMqttAddresses(settings)) await assertPortFree(address);
  await assertPortFree({ host, port, hostSetting: 'HTTP_HOST', portSetting: 'HTTP_PORT' });
}
