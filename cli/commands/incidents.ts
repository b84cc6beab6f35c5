import type { Command } from 'commander';
import { listIncidents } from '../../alerts/incidents/redis-incident-list.js';
import { historySettings } from '../history/surroundings.js';
import { describeExtent } from '../incidents/format-incident.js';
import { formatIncidentStory } from '../incidents/format-incident-story.js';
import { tellIncident } from '../incidents/incident-story.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

/** `campus incidents [list|show ID]` */
export function addIncidentsCommand(program: Command): void {
  const incidents = program.command('incidents');
  addList(incidents);
  addShow(incidents);
}

function addList(incidents: Command): void {
  const command = incidents
    .command('list', { isDefault: true })
    .summary('list the open incidents')
    .description(
      'An incident is one cause with all alarms that follow from it; people get its mails, in one thread, and none of ' +
        'the single alarms.',
    )
    .option('--all', 'also those that are closed or became a part of another')
    .option('--json', 'print a JSON array; times are epoch ms')
    .addHelpText('after', '\nExamples:\n  $ campus incidents\n  $ campus incidents list --all --json');
  addSettingFlags(command, instanceSettings).action(async (options: Record<string, unknown>) => {
    const { settings, redisUrl } = findInstance(options);
    const which = options['all'] === true ? 'all' : 'open';
    const found = await withRedis(redisUrl, (redis) => listIncidents(redis, which));
    const time = (at: number | undefined) => (at === undefined ? '' : formatTime(at, settings.TIMEZONE));
    if (options['json'] === true) console.log(JSON.stringify(found));
    else if (found.length === 0)
      console.log(which === 'all' ? 'There was no incident yet.' : 'No incident is open.');
    else
      console.log(
        formatTable(
          ['Incident', 'Severity', 'Cause', 'Alarms', which === 'all' ? 'Opened, closed' : 'Opened', 'State'],
          found.map((incident) => [
            incident.id,
            incident.state === 'open' ? incident.severity : incident.peak,
            `${incident.root.title.zh}\n${incident.root.title.en}\n${incident.root.key}`,
            describeExtent(incident),
            `${time(incident.openedAt)}\n${time(incident.closedAt)}`.trimEnd(),
            incident.state === 'merged' ? `part of ${incident.mergedInto}` : stateOf(incident),
          ]),
        ),
      );
  });
}

function stateOf({
  state,
  root,
  chattering,
  quietAt,
  recheckAt,
}: Awaited<ReturnType<typeof listIncidents>>[number]) {
  if (state !== 'open') return state;
  const acknowledged = root.acknowledged === undefined ? '' : `, acknowledged by ${root.acknowledged.by}`;
  const phase = quietAt !== undefined ? 'quiet' : recheckAt !== undefined ? 'recovering' : 'open';
  return `${phase}${chattering ? ', chattering' : ''}${acknowledged}`;
}

function addShow(incidents: Command): void {
  const command = incidents
    .command('show <id>')
    .summary('tell the whole story of an incident')
    .description(
      'Tells in order what led to the incident (readings, rule, alarms), who was told and when the mail server took ' +
        'it, and what was done about it; and of what did not happen, why not. The beginning of an id is enough.',
    )
    .option('--json', 'print one JSON object; times are epoch ms')
    .addHelpText('after', '\nExample:\n  $ campus incidents show inc-3f2a91bc04');
  addSettingFlags(command, historySettings).action(async (id: string, options: Record<string, unknown>) => {
    const story = await tellIncident(id, options);
    console.log(
      options['json'] === true
        ? JSON.stringify(story)
        : formatIncidentStory(story, findInstance(options).settings.TIMEZONE),
    );
  });
}
