import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** What the bridges count, each by its name. */
export interface BridgeMetrics {
  readonly messages: Counter<'bridge'>;
  readonly ignored: Counter<'bridge' | 'why'>;
  readonly unacknowledged: Counter<'bridge'>;
  readonly sequenceGaps: Counter<'bridge'>;
  readonly rebirths: Counter<'bridge'>;
}

/** @param now current figures of each bridge, asked at each scrape */
export function createBridgeMetrics(
  registry: Registry,
  now: () => Iterable<{ readonly bridge: string; readonly connected: boolean; readonly inFlight: number }>,
): BridgeMetrics {
  const registers = [registry];
  const gauge = (
    name: string,
    help: string,
    value: (of: { connected: boolean; inFlight: number }) => number,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['bridge'],
      registers,
      collect() {
        for (const of of now()) this.set({ bridge: of.bridge }, value(of));
      },
    });
  gauge(
    'pc_bridge_connected',
    'Whether the other broker is connected and subscribed to',
    (of) => +of.connected,
  );
  gauge('pc_bridge_inflight_messages', 'Messages received and not yet on disk', (of) => of.inFlight);
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  return {
    messages: counter('pc_bridge_messages_total', 'Messages put into the reading log', ['bridge']),
    ignored: counter('pc_bridge_ignored_total', 'Messages acknowledged and not kept, by why', [
      'bridge',
      'why',
    ]),
    unacknowledged: counter(
      'pc_bridge_unacknowledged_total',
      'Messages the reading log did not take: the other broker has to send them again',
      ['bridge'],
    ),
    sequenceGaps: counter('pc_bridge_sequence_gaps_total', 'Sparkplug messages that never came', ['bridge']),
    rebirths: counter('pc_bridge_rebirths_total', 'Sparkplug edge nodes asked for a rebirth', ['bridge']),
  };
}
