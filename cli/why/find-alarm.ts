import { listAlarms } from '../../alerts/redis-alarm-list.js';
import { nearest } from '../../devices/did-you-mean.js';
import type { Alarm } from '../../rules/alarm.js';
import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';

const mostNamed = 5;

/**
 * The alarm of that id, active or remembered, real or of a rule that is tried out; the beginning of an id is enough
 * where only one begins so.
 * @throws AppError `unknown_alarm`, `ambiguous_alarm`
 */
export async function findAlarm(redis: Redis, id: string): Promise<Alarm> {
  const [real, shadow] = await Promise.all([listAlarms(redis, 'all'), listAlarms(redis, 'all', 'shadow')]);
  const all = [...real, ...shadow];
  const matching = all.filter((alarm) => alarm.id.startsWith(id));
  const found =
    matching.find((alarm) => alarm.id === id) ?? (matching.length === 1 ? matching[0] : undefined);
  if (found !== undefined) return found;
  if (matching.length > 1) {
    const named = matching.slice(0, mostNamed).map((alarm) => alarm.id);
    const more = matching.length > mostNamed ? ` and ${matching.length - mostNamed} more` : '';
    throw new AppError(
      'ambiguous_alarm',
      `${matching.length} alarms begin with "${id}": ${named.join(', ')}${more}. Write more of the id.`,
    );
  }
  const meant = nearest(
    id,
    all.map((alarm) => alarm.id),
  );
  const hint =
    meant === undefined ? ' See "campus alarms --all --json" for their ids.' : ` Did you mean "${meant}"?`;
  throw new AppError('unknown_alarm', `There is no alarm "${id}", nor one that is remembered.${hint}`);
}
