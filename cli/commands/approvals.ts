import type { Command } from 'commander';
import { Option } from 'commander';
import { approvalStateAt, approvalStates } from '../../devices/approval.js';
import type { Approval, ApprovalState } from '../../devices/approval.js';
import { decideApproval, findApproval, listApprovals } from '../../devices/redis-approvals.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { findInstance } from '../instance.js';
import { assertInCharge, byOption, identify } from '../person.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { describeCommand } from '../terminal/command-words.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface ApprovalOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

/** `campus approvals list|show|approve|reject` */
export function addApprovalsCommand(program: Command): void {
  const approvals = program
    .command('approvals')
    .summary('what waits for a second person: list it, approve it, reject it')
    .description(
      'What is dangerous (blocking a port, firmware, rebooting a gateway, whatever reaches a campus as a whole) is asked\n' +
        'for by one person and approved by another, whose account has the role approver for those sites. An approval is\n' +
        'for exactly those devices, that action and those arguments, expires, and is used once.',
    );
  addList(approvals);
  addShow(approvals);
  addAnswer(approvals, 'approve', 'approved', 'agree to it');
  addAnswer(approvals, 'reject', 'rejected', 'refuse it');
}

function addList(approvals: Command): void {
  const command = approvals
    .command('list')
    .summary('what is asked for, newest first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(approvalStates))
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus approvals list --state pending');
  addSettingFlags(command, instanceSettings).action(
    async (options: ApprovalOptions & { readonly state?: ApprovalState }) => {
      const { settings, redisUrl } = findInstance(options);
      const found = await withRedis(redisUrl, async (redis) => {
        const now = (await loadClock(redis)).now();
        const all = (await listApprovals(redis)).map((each) => ({
          ...each,
          state: approvalStateAt(each, now),
        }));
        return all.filter(({ state }) => options.state === undefined || state === options.state);
      });
      if (options.json === true) console.log(JSON.stringify(found));
      else if (found.length === 0) console.log('There are no such approvals.');
      else
        console.log(
          formatTable(
            ['Id', 'Asked', 'By', 'What', 'Devices', 'State'],
            found.map((each) => [
              each.id,
              formatTime(each.requestedAt, settings.TIMEZONE),
              each.requestedBy,
              describeCommand(each),
              describeDevices(each),
              each.state,
            ]),
          ),
        );
    },
  );
}

function addShow(approvals: Command): void {
  const command = approvals
    .command('show <id>')
    .summary('show what exactly is asked for')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus approvals show 1f2e3d4c');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: ApprovalOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const [found, now] = await withRedis(
      redisUrl,
      async (redis) => [await findApproval(redis, id), (await loadClock(redis)).now()] as const,
    );
    if (options.json === true) console.log(JSON.stringify(found));
    else console.log(format(found, now, settings.TIMEZONE));
  });
}

function addAnswer(approvals: Command, verb: string, to: 'approved' | 'rejected', summary: string): void {
  const command = approvals
    .command(`${verb} <id>`)
    .summary(summary)
    .addOption(byOption().makeOptionMandatory())
    .option('--comment <text>', 'why')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExample:\n  $ campus approvals ${verb} 1f2e3d4c --by wang --comment 已核实`);
  addSettingFlags(command, instanceSettings).action(
    async (id: string, options: ApprovalOptions & { readonly by: string; readonly comment?: string }) => {
      const answered = await withRedis(findInstance(options).redisUrl, async (redis) => {
        const person = await identify(redis, options.by, 'approver');
        const at = (await loadClock(redis)).now();
        const { comment } = options;
        return decideApproval(redis, id, { to, by: person.name, at, comment }, ({ sites }) =>
          assertInCharge(person, sites),
        );
      });
      if (options.json === true) console.log(JSON.stringify(answered));
      else
        console.log(
          `Approval ${id} is ${to}: ${describeCommand(answered)} for ${describeDevices(answered)}.` +
            (to === 'approved' && answered.rollout === undefined
              ? ` ${answered.requestedBy} sends it with --approval ${id}.`
              : ''),
        );
    },
  );
}

function describeDevices({ devices, count }: Pick<Approval, 'devices' | 'count'>): string {
  return count > 3 ? `${count} devices` : devices.join(', ');
}

function format(approval: Approval, now: number, timezone: string): string {
  const { id, devices, count, sites, requestedBy, requestedAt, expiresAt, why, decidedBy, comment } =
    approval;
  const more = count > devices.length ? ` and ${count - devices.length} more` : '';
  return formatPairs([
    ['Approval', id],
    ['What', describeCommand(approval)],
    ['Devices', `${devices.join(' ')}${more}`],
    ['Sites', sites.join(' ')],
    ['For', approval.rollout === undefined ? 'one command' : `rollout ${approval.rollout}`],
    ['Why', why ?? ''],
    ['Asked by', `${requestedBy}, ${formatTime(requestedAt, timezone)}`],
    ['Expires', formatTime(expiresAt, timezone)],
    ['State', approvalStateAt(approval, now)],
    ['Answered by', [decidedBy ?? '', comment ?? ''].join(' ').trim()],
    ['Used by', approval.usedBy ?? ''],
    ['Digest', approval.digest],
  ]);
}
