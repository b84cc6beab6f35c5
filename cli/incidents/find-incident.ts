import { findIncident, listIncidents } from '../../alerts/incidents/redis-incident-list.js';
import type { Incident } from '../../alerts/incidents/incident.js';
import { nearest } from '../../devices/did-you-mean.js';
import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';

/**
 * The incident of that id, open or remembered; the beginning of an id is enough where only one begins so.
 * @throws AppError `unknown_incident`, `ambiguous_incident`
 */
export async function findNamedIncident(redis: Redis, id: string): Promise<Incident> {
  const exact = await findIncident(redis, id);
  if (exact !== undefined) return exact;
  const all = await listIncidents(redis, 'all');
  const matching = all.filter((incident) => incident.id.startsWith(id));
  const [found] = matching;
  if (found !== undefined && matching.length === 1) return found;
  if (matching.length > 1) {
    const named = matching.slice(0, 5).map((incident) => incident.id);
    throw new AppError(
      'ambiguous_incident',
      `${matching.length} incidents begin with "${id}", such as ${named.join(', ')}. Write more of the id.`,
    );
  }
  const meant = nearest(
    id,
    all.map((incident) => incident.id),
  );
  const hint = meant === undefined ? ' See "campus incidents list --all".' : ` Did you mean "${meant}"?`;
  throw new AppError('unknown_incident', `There is no incident "${id}", nor one that is remembered.${hint}`);
}
