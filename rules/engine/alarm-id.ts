/**
 * The id of an activation: the same whenever the log is judged.
 * @param subject the device's id, or the `GroupState.subject`
 */
export function alarmId(rule: string, subject: string, part: string | undefined, raisedAt: number): string {
  return [rule, subject, ...(part === undefined ? [] : [part]), raisedAt].join('~');
}
