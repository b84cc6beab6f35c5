import type { PacketFields } from './packet-fields.js';
import { checkTopicName } from './topic-syntax.js';
import { ProtocolViolation } from './violation.js';

/** Ids are written to the log with one byte of length. */
const maxClientIdBytes = 255;

// CONNACK return codes of MQTT 3.1.1, table 3.1.
const unacceptableLevel = 1;
const identifierRejected = 2;

const flag = {
  reserved: 1,
  clean: 2,
  will: 4,
  willQos: 24,
  willRetain: 32,
  password: 64,
  username: 128,
} as const;

/**
 * Checks a CONNECT before anybody believes it. MQTT 3.1 (`MQIsdp`, level 3) is let in, too; any other level
 * is told so with CONNACK 1.
 * @throws ProtocolViolation with the CONNACK return code where the standard gives one
 */
export function checkConnect(fields: PacketFields): void {
  const name = fields.text();
  if (name !== 'MQTT' && name !== 'MQIsdp')
    throw new ProtocolViolation('protocol_name', 'a protocol of another name');
  const level = fields.byte();
  if (level !== (name === 'MQTT' ? 4 : 3)) {
    // [MQTT-3.1.2-2]; what follows may be of another shape.
    throw new ProtocolViolation('protocol_level', `protocol level ${level}`, unacceptableLevel);
  }
  const flags = fields.byte();
  checkFlags(flags);
  fields.short(); // keep alive
  const clientId = fields.text();
  if ((flags & flag.will) !== 0) {
    checkTopicName(fields.text());
    fields.binary();
  }
  if ((flags & flag.username) !== 0) fields.text();
  if ((flags & flag.password) !== 0) fields.binary();
  fields.finish();
  if (clientId === '' && (level === 3 || (flags & flag.clean) === 0)) {
    // [MQTT-3.1.3-8]
    throw new ProtocolViolation('client_id', 'no client id for a session to be kept', identifierRejected);
  }
  if (Buffer.byteLength(clientId) > maxClientIdBytes) {
    throw new ProtocolViolation('client_id', 'a client id of more than 255 bytes', identifierRejected);
  }
}

function checkFlags(flags: number): void {
  if ((flags & flag.reserved) !== 0) throw new ProtocolViolation('connect_flags', 'the reserved flag is set'); // [MQTT-3.1.2-3]
  const qos = (flags & flag.willQos) >> 3;
  if ((flags & flag.will) === 0) {
    // [MQTT-3.1.2-11], [MQTT-3.1.2-13], [MQTT-3.1.2-15]
    if (qos !== 0 || (flags & flag.willRetain) !== 0)
      throw new ProtocolViolation('will', 'Will flags without a Will');
  } else if (qos === 3) throw new ProtocolViolation('will', 'a Will of QoS 3'); // [MQTT-3.1.2-14]
  if ((flags & flag.username) === 0 && (flags & flag.password) !== 0) {
    throw new ProtocolViolation('connect_flags', 'a password without a user name'); // [MQTT-3.1.2-22]
  }
}
