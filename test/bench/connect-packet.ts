import { generate } from 'mqtt-packet';

/** The CONNECT of a device with its password. @param keepalive seconds; 0: none */
export function connectPacket(
  { clientId, password }: { readonly clientId: string; readonly password: string },
  keepalive: number,
): Buffer {
  return generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive,
    clientId,
    username: clientId,
    password: Buffer.from(password),
  });
}
