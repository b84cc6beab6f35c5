/**
 * The id of an activation: the same whenever the log is judged.
 * @param subject the device's id, or the `GroupState.subject`
 * @param activation which it is of those that may have begun at the same time
 */
export function alarmId(
  rule: string,
  subject: string,
  part: string | undefined,
  raisedAt: number,
  activation: number,
): string {
  const when = activation === 0 ? String(raisedAt) : `${raisedAt}-${activation}`;
  return [rule, subject, ...(part === undefined ? [] : [part]), when].join('~');
}
