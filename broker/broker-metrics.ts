import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** Seconds. */
const latencyBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** What the broker counts. */
export interface BrokerMetrics {
  readonly connects: Counter;
  readonly refusals: Counter<'reason'>;
  readonly slowed: Counter<'by'>;
  readonly claims: Counter<'outcome'>;
  readonly dropped: Counter;
  readonly limited: Counter<'reason'>;
  readonly violations: Counter<'reason'>;
  readonly slow: Counter<'what'>;
  readonly unlogged: Counter;
  readonly rounds: Histogram;
  readonly answers: Histogram;
  readonly roundMessages: Counter;
  readonly commandsSent: Counter;
}

/** @param now current figures, asked at each scrape */
export function createBrokerMetrics(
  registry: Registry,
  now: {
    readonly clients: () => number;
    readonly bytesInFlight: () => number;
    readonly heldSockets: () => number;
    readonly sockets: () => number;
    readonly messages: () => number;
    readonly bytes: () => number;
    readonly queuedBytes: () => number;
    readonly notQueued: () => number;
    readonly delayed: () => number;
    readonly partialBytes: () => number;
    readonly retainedBytes: () => number;
    readonly notRetained: () => number;
    readonly heldRefusals: () => number;
    readonly rememberedFailures: () => number;
  },
): BrokerMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('pc_mqtt_clients', 'Connected MQTT clients', now.clients);
  gauge('pc_mqtt_sockets', 'Open sockets, those without a CONNECT included', now.sockets);
  gauge('pc_mqtt_inflight_bytes', 'Payload bytes received and not yet on disk', now.bytesInFlight);
  gauge('pc_mqtt_held_sockets', 'Sockets not read because of back-pressure', now.heldSockets);
  gauge('pc_mqtt_queued_bytes', 'Bytes on their way to clients', now.queuedBytes);
  gauge('pc_mqtt_partial_bytes', 'Bytes of packets that are begun and not complete', now.partialBytes);
  gauge('pc_login_held_refusals', 'Refusals of wrong logins that are held back now', now.heldRefusals);
  gauge('pc_login_remembered', 'Ids and addresses whose wrong logins are remembered', now.rememberedFailures);
  gauge('pc_mqtt_retained_bytes', 'Bytes of retained messages', now.retainedBytes);
  // Counted as plain numbers on the way of every message, and looked at only when somebody asks.
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  counter('pc_mqtt_messages_total', 'PUBLISH packets received', now.messages);
  counter('pc_mqtt_payload_bytes_total', 'Payload bytes received', now.bytes);
  counter('pc_mqtt_not_queued_total', 'Messages to clients dropped because too many wait', now.notQueued);
  counter(
    'pc_mqtt_delayed_total',
    'Messages to clients that had to wait until earlier ones were acknowledged or read',
    now.delayed,
  );
  counter(
    'pc_mqtt_not_retained_total',
    'Retained messages refused because too much is kept',
    now.notRetained,
  );
  return {
    connects: new Counter({ name: 'pc_mqtt_connects_total', help: 'Accepted CONNECTs', registers }),
    refusals: new Counter({
      name: 'pc_mqtt_refusals_total',
      help: 'Refused CONNECTs by reason, and refused filters of SUBSCRIBEs',
      labelNames: ['reason'],
      registers,
    }),
    slowed: new Counter({
      name: 'pc_login_slowed_total',
      help: 'Refused CONNECTs beyond a limit of failures: of an id from an address (pair), an id, an address',
      labelNames: ['by'],
      registers,
    }),
    claims: new Counter({
      name: 'pc_claims_total',
      help: 'Claims of devices over MQTT, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    dropped: new Counter({
      name: 'pc_mqtt_dropped_total',
      help: 'Connections closed because their credentials ended or their device was moved or removed',
      registers,
    }),
    limited: new Counter({
      name: 'pc_mqtt_limited_total',
      help: 'Times that a limit has bitten, by limit',
      labelNames: ['reason'],
      registers,
    }),
    violations: new Counter({
      name: 'pc_mqtt_violations_total',
      help: 'Connections closed because of a packet that MQTT 3.1.1 forbids or that is too large',
      labelNames: ['reason'],
      registers,
    }),
    slow: new Counter({
      name: 'pc_mqtt_slow_clients_total',
      help: 'Messages of QoS 0 left out, and connections closed, because the client does not read',
      labelNames: ['what'],
      registers,
    }),
    unlogged: new Counter({
      name: 'pc_mqtt_unacknowledged_total',
      help: 'Messages the reading log did not take: never acknowledged, connection closed',
      registers,
    }),
    rounds: new Histogram({
      name: 'pc_log_append_seconds',
      help: 'Duration of a group commit: the part of the PUBACK latency that waits for the disk',
      buckets: latencyBuckets,
      registers,
    }),
    answers: new Histogram({
      name: 'pc_mqtt_puback_seconds',
      help: 'From a PUBLISH of QoS 1 or 2 being read to its PUBACK or PUBREC being written; one in 16 is measured',
      buckets: latencyBuckets,
      registers,
    }),
    roundMessages: new Counter({
      name: 'pc_log_records_total',
      help: 'Records appended to the log',
      registers,
    }),
    commandsSent: new Counter({
      name: 'pc_commands_sent_total',
      help: 'Commands sent to devices, repeats included',
      registers,
    }),
  };
}
