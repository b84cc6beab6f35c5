import mqtt from 'mqtt';
import { setTimeout as sleep } from 'node:timers/promises';

/** A well-behaved client beside the trouble: QoS 1 to itself, over and over. */
export interface Neighbour {
  /** Messages that came back, of those sent. */
  readonly rounds: number;
  /** Ends after the last answer. @throws Error when a message did not come back or the connection broke */
  stop(): Promise<void>;
}

export async function startNeighbour(port: number): Promise<Neighbour> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    clientId: 'the-neighbour',
    reconnectPeriod: 0,
  });
  let trouble: Error | undefined;
  client.on('error', (error) => (trouble ??= error));
  client.on('close', () => (trouble ??= new Error('the neighbour lost its connection')));
  const heard = new Set<string>();
  client.on('message', (_topic, payload) => heard.add(payload.toString()));
  await client.subscribeAsync('neighbour/own', { qos: 1 });
  let rounds = 0;
  const stop = new AbortController();
  const work = (async () => {
    while (!stop.signal.aborted && trouble === undefined) {
      const payload = String(rounds);
      await client.publishAsync('neighbour/own', payload, { qos: 1 });
      for (let tries = 0; !heard.delete(payload); tries++) {
        if (tries > 3000) throw new Error(`message ${payload} of the neighbour did not come back`);
        await sleep(5);
      }
      rounds++;
      await sleep(5);
    }
  })();
  work.catch((error: unknown) => (trouble ??= error as Error));
  return {
    get rounds() {
      return rounds;
    },
    stop: async () => {
      stop.abort();
      await work.catch(() => undefined);
      if (trouble !== undefined) throw trouble;
      client.removeAllListeners('close');
      await client.endAsync();
    },
  };
}
