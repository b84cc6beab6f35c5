/** What an edge node, or a host, publishes (specification 3.0, section 4). */
export type MessageType = (typeof messageTypes)[number];

const messageTypes = ['NBIRTH', 'NDEATH', 'DBIRTH', 'DDEATH', 'NDATA', 'DDATA', 'NCMD', 'DCMD'] as const;

export interface SparkplugTopic {
  readonly type: MessageType;
  readonly group: string;
  readonly node: string;
  /** Undefined for messages of the node itself. */
  readonly device?: string | undefined;
}

/** Takes `spBv1.0/{group}/{type}/{node}[/{device}]` apart; undefined for any other topic. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, group = '', type, node = '', device, ...more] = topic.split('/');
  if (namespace !== 'spBv1.0' || group === '' || node === '' || more.length > 0) return undefined;
  const known = messageTypes.find((candidate) => candidate === type);
  if (known === undefined || known.startsWith('D') !== (device !== undefined && device !== ''))
    return undefined;
  return { type: known, group, node, device };
}

/** `group/node`: what sequence numbers and aliases belong to. */
export function nodeName({ group, node }: SparkplugTopic): string {
  return `${group}/${node}`;
}
