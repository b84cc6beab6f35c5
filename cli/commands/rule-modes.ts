import type { Command } from 'commander';
import { listRuleDecisions } from '../../devices/redis-audit.js';
import { decideMode } from '../../ingest/rules/redis-rule-modes.js';
import type { RuleMode } from '../../rules/rule.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { parseCountOption } from '../count-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { findRules, pickRule } from '../rules/find-rules.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { operator } from '../terminal/command-words.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface ModeVerb {
  readonly verb: string;
  /** Undefined: what its file says. */
  readonly mode: RuleMode | undefined;
  readonly summary: string;
  readonly description: string;
}

const verbs: readonly ModeVerb[] = [
  {
    verb: 'enable',
    mode: 'on',
    summary: 'let rules raise alarms, whatever their files say',
    description: 'Puts rules in the mode "on": they raise alarms, and people are told.',
  },
  {
    verb: 'shadow',
    mode: 'shadow',
    summary: 'try rules out: evaluated and recorded, and nobody is told',
    description:
      'Puts rules in the mode "shadow": what they would have raised is recorded ("campus alarms --shadow"), and nobody ' +
      'is told.',
  },
  {
    verb: 'disable',
    mode: 'off',
    summary: 'do not evaluate rules',
    description: 'Puts rules in the mode "off": they are not evaluated.',
  },
  {
    verb: 'reset',
    mode: undefined,
    summary: 'let the files say the mode of rules again',
    description:
      'Forgets what was decided with enable, shadow or disable: the "mode" of the file counts again.',
  },
];

/** `campus rules enable|shadow|disable|reset|audit` */
export function addRuleModes(rules: Command): void {
  for (const verb of verbs) addModeVerb(rules, verb);
  addAudit(rules);
}

function addModeVerb(rules: Command, { verb, mode, summary, description }: ModeVerb): void {
  const command = rules
    .command(`${verb} <rule...>`)
    .summary(summary)
    .description(
      `${description} Every ingest follows within two seconds; active alarms of the rule end then. Who decided it ` +
        'and when is kept.',
    )
    .option('--json', 'print a JSON array')
    .addHelpText('after', `\nExample:\n  $ campus rules ${verb} co2-high`);
  addSettingFlags(command, instanceSettings).action(async (ids: string[], options: { json?: boolean }) => {
    const { redisUrl } = findInstance({ ...options });
    const known = await findRules({ ...options });
    const wanted = ids.map((id) => pickRule(known, id));
    const outcomes = await withRedis(redisUrl, async (redis) => {
      const who = { by: operator(), at: (await loadClock(redis)).now() };
      const done = [];
      for (const { id, mode: from, writtenMode } of wanted) {
        const changed = await decideMode(redis, id, mode, who);
        done.push({ rule: id, from, to: mode ?? writtenMode, changed });
      }
      return done;
    });
    if (options.json === true) console.log(JSON.stringify(outcomes));
    else
      for (const { rule, from, to, changed } of outcomes)
        console.log(changed ? `${rule}: ${to} (it was ${from}).` : `${rule}: ${to}, as before.`);
  });
}

function addAudit(rules: Command): void {
  const command = rules
    .command('audit')
    .summary('who put rules in which mode, and when')
    .option('--count <n>', 'how many at most, newest first', parseCountOption, 100)
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus rules audit');
  addSettingFlags(command, instanceSettings).action(async (options: { count: number; json?: boolean }) => {
    const { settings, redisUrl } = findInstance({ ...options });
    const decisions = await withRedis(redisUrl, (redis) => listRuleDecisions(redis, options.count));
    if (options.json === true) console.log(JSON.stringify(decisions));
    else if (decisions.length === 0) console.log('Nobody has put a rule in another mode yet.');
    else
      console.log(
        formatTable(
          ['When', 'Who', 'Rule', 'Mode'],
          decisions.map(({ at, by, id, to }) => [formatTime(at, settings.TIMEZONE), by, id, to]),
        ),
      );
  });
}
