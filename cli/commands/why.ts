import type { Command } from 'commander';
import { isExpectedFailure } from '../expected-failure.js';
import { historySettings, openHistory, readSurroundings } from '../history/surroundings.js';
import type { Surroundings } from '../history/surroundings.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { findRules } from '../rules/find-rules.js';
import { addSettingFlags } from '../settings-flags.js';
import { withoutPlaceholders } from '../terminal/alarm-place.js';
import { tellAlarmStory } from '../why/alarm-story.js';
import { findAlarm } from '../why/find-alarm.js';
import { formatAlarmStory } from '../why/format-alarm-story.js';

/** `campus why ALARM` */
export function addWhyCommand(program: Command): void {
  const command = program
    .command('why <alarm>')
    .summary('why an alarm was raised: rule, values and readings of each transition')
    .description(
      'Shows each transition of an alarm, active or remembered, with the rule as it was, the values that decided and ' +
        'the readings before it. The beginning of an id is enough, where only one alarm begins so.',
    )
    .option('--json', 'print one JSON object; times are epoch ms')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus alarms --json | jq -r .[].id\n  $ campus why co2-high~co2-101\n' +
        '  $ campus why co2-high~co2-101~1772413920000 --json',
    );
  addSettingFlags(command, historySettings).action(async (id: string, options: Record<string, unknown>) => {
    const alarm = await withRedis(findInstance(options).redisUrl, (redis) => findAlarm(redis, id));
    const [surroundings, rules] = await Promise.all([readSurroundings(options), findRules(options)]);
    const { influx, trouble } = await openIfThere(surroundings);
    const story = await tellAlarmStory(alarm, rules, influx, surroundings);
    console.log(
      options['json'] === true
        ? JSON.stringify({
            ...story,
            alarm: withoutPlaceholders(story.alarm),
            ...(trouble === undefined ? {} : { trouble }),
          })
        : formatAlarmStory(story, surroundings.settings.TIMEZONE, trouble),
    );
  });
}

/** What is known of an alarm is worth telling without its readings, too. */
async function openIfThere(surroundings: Surroundings) {
  try {
    return { influx: await openHistory(surroundings), trouble: undefined };
  } catch (error) {
    if (!isExpectedFailure(error)) throw error;
    return { influx: undefined, trouble: error.message };
  }
}
