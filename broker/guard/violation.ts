/** What a client did against MQTT 3.1.1, in a word for the metric; each closes its connection. */
export type ViolationReason =
  | 'not_connect'
  | 'second_connect'
  | 'unknown_type'
  | 'server_packet'
  | 'header_flags'
  | 'remaining_length'
  | 'too_large'
  | 'truncated'
  | 'trailing_bytes'
  | 'protocol_name'
  | 'protocol_level'
  | 'connect_flags'
  | 'will'
  | 'client_id'
  | 'utf8'
  | 'packet_id'
  | 'qos'
  | 'topic_name'
  | 'topic_filter'
  | 'no_filter'
  | 'too_many_filters'
  | 'too_many_qos2'
  | 'not_allowed';

/** A packet that can't be answered. The connection is closed, after this CONNACK return code where there is one. */
export class ProtocolViolation extends Error {
  readonly reason: ViolationReason;
  readonly returnCode: number | undefined;

  constructor(reason: ViolationReason, message: string, returnCode?: number) {
    super(message);
    this.reason = reason;
    this.returnCode = returnCode;
  }
}
