import type { SocketCapReason } from './socket-cap.js';

/** Which limit has bitten: the label of `pc_mqtt_limited_total`. */
export type LimitReason =
  | SocketCapReason
  | 'connect_timeout'
  | 'tls_handshake'
  | 'client_certificate'
  | 'websocket'
  | 'keep_alive'
  | 'subscriptions'
  | 'in_flight'
  | 'rate'
  | 'held_refusals'
  | 'packet_timeout'
  | 'partial_bytes';
