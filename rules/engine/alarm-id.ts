/** The id of an activation: the same whenever the log is judged. */
export function alarmId(rule: string, device: string, part: string | undefined, raisedAt: number): string {
  return [rule, device, ...(part === undefined ? [] : [part]), raisedAt].join('~');
}
