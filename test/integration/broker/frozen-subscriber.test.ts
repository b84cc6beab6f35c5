import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import mqtt from 'mqtt';
import { generate } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';

const messages = 400;
const payload = Buffer.alloc(65_536, 'x');

test('a subscriber that reads nothing holds nobody up: the others hear everything before it is closed', async () => {
  const server = await startTestRedis();
  const port = await freePort();
  const context = createTestContext(
    { redisUrl: server.url },
    { MQTT_PORT: String(port), MQTT_DRAIN_TIMEOUT_S: '5' },
  );
  const counted = async (what: 'message' | 'connection') => {
    const metric = await context.metrics.getSingleMetric('pc_mqtt_slow_clients_total')?.get();
    return (metric?.values.find(({ labels }) => labels['what'] === what)?.value ?? 0) > 0;
  };
  try {
    await startBroker(context, { open: true });
    const frozen = connectSocket(port, '127.0.0.1').on('error', () => undefined);
    frozen.write(
      Buffer.concat([
        generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'frozen' }),
        generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't/#', qos: 0 }] }),
      ]),
    );
    let answered = 0;
    while (answered < 9) answered += ((await once(frozen, 'data')) as [Buffer])[0].length; // CONNACK, SUBACK
    frozen.pause();

    const options = { reconnectPeriod: 0, protocolVersion: 4 } as const;
    const url = `mqtt://127.0.0.1:${port}`;
    const reader = await mqtt.connectAsync(url, { ...options, clientId: 'reader' });
    let state: 'reading' | 'congested' | 'closed' = 'reading';
    const heard = { reading: 0, congested: 0, closed: 0 };
    reader.on('message', () => heard[state]++);
    await reader.subscribeAsync('t/#', { qos: 1 });
    const writer = await mqtt.connectAsync(url, { ...options, clientId: 'writer' });
    const watching = (async () => {
      await eventually('messages to be left out for the frozen one', () => counted('message'));
      state = 'congested';
      await eventually('the frozen one to be closed', () => counted('connection'));
      state = 'closed';
    })();
    for (let i = 0; i < messages; i++) await writer.publishAsync(`t/${i}`, payload, { qos: 1 });
    await watching;
    await eventually('all to be heard', () => heard.reading + heard.congested + heard.closed === messages);
    // Were the others held up by it, they would hear nothing until it is closed.
    expect(heard.congested).toBeGreaterThan(10);
    await Promise.all([reader.endAsync(true), writer.endAsync(true)]);
    frozen.destroy();
  } finally {
    await context.lifeCycle.stop();
    await server.stop();
  }
});
