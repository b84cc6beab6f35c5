import { connect } from 'node:net';
import { generate } from 'mqtt-packet';
import { connectPacket } from './connect-packet.js';
import type { PublishOrder } from './publisher.js';

// A client gone wild: publishes QoS 1 as fast as its socket takes it, until it is ended.
process.once('message', ({ port, devices: [device] }: Pick<PublishOrder, 'port' | 'devices'>) => {
  if (device === undefined) throw new Error('no device to flood as');
  const { clientId, password, topic } = device;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(connectPacket({ clientId, password }, 0));
  const packets = Array.from({ length: 500 }, (_, i) =>
    generate({
      cmd: 'publish',
      topic,
      payload: `{"ts":${Date.now()},"seq":${i},"boot":"flood","m":{"co2_ppm":600}}`,
      qos: 1,
      messageId: i + 1,
      dup: false,
      retain: false,
    }),
  );
  const burst = Buffer.concat(packets);
  const flood = () => {
    while (socket.write(burst));
  };
  socket.once('data', () => {
    socket.on('drain', flood).resume();
    process.send?.('flooding');
    flood();
  });
});
process.on('SIGTERM', () => process.exit(0));
