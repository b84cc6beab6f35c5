/** A device's id has no colon. */
const mark = 'bridge:';

/** Who the log says that a bridge is. */
export function clientOfBridge(bridge: string): string {
  return mark + bridge;
}

/** Whether a client in the log is a bridge. */
export function isBridge(client: string): boolean {
  return client.startsWith(mark);
}
