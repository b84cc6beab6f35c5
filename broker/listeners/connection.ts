import type { Duplex } from 'node:stream';
import type { MqttTransport } from '../../runtime/mqtt-addresses.js';
import type { ClientCertificate } from './client-certificate.js';

/** Who came over a connection. */
export interface Guest {
  /** It has proven who it is. */
  readonly isKnown: boolean;
}

/** A client's connection, whatever it came over. */
export interface Connection {
  readonly transport: MqttTransport;
  /** The bytes of MQTT, both ways. Destroying it ends the connection. */
  readonly stream: Duplex;
  /** Where it comes from, as the operating system says. */
  readonly address: string;
  /** The client's certificate, when it has shown one: issued by the CA, its key proven. */
  readonly certificate: ClientCertificate | undefined;
  /** Bytes that the system has taken so far of what was sent. */
  readonly takenBytes: () => number;
  /** To be called when a whole CONNECT has been read: the time for it no longer runs. */
  readonly onConnectRead: () => void;
}
