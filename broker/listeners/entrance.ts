import type { Socket } from 'node:net';
import type { LimitReason } from '../limits/limit-reason.js';
import { SocketCap } from '../limits/socket-cap.js';
import { takenBytes } from './taken-bytes.js';

/** A connection that was let in. */
export interface Visit {
  /** Where it comes from, as the operating system says. */
  readonly address: string;
  /** The time for its CONNECT no longer runs. */
  readonly onConnectRead: () => void;
  /** Bytes that the system has taken so far of what was sent. */
  readonly takenBytes: () => number;
}

interface Limits {
  readonly sockets: number;
  readonly socketsPerAddress: number;
  readonly connectTimeoutMs: number;
}

/**
 * Where every accepted socket comes in first, whatever it will carry: counted against the caps, and given a
 * time within which its CONNECT must have been read, so that neither silence, nor a handshake that never
 * ends, nor a CONNECT that drips in holds a place.
 */
export class Entrance {
  readonly #limits: Limits;
  readonly #cap: SocketCap;
  readonly #onLimited: (reason: LimitReason) => void;
  readonly #visits = new Map<string, Visit>();
  readonly #sockets = new Set<Socket>();

  constructor(limits: Limits, onLimited: (reason: LimitReason) => void) {
    this.#limits = limits;
    this.#cap = new SocketCap({ total: limits.sockets, perAddress: limits.socketsPerAddress });
    this.#onLimited = onLimited;
  }

  /** Sockets that are open now. */
  get sockets(): number {
    return this.#cap.total;
  }

  /** Lets the socket in, or closes it at once and counts why. */
  admit(socket: Socket): Visit | undefined {
    // It may be reset before we come to accept it.
    socket.on('error', () => undefined);
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return undefined;
    }
    const leave = this.#cap.enter(address);
    if (typeof leave === 'string') {
      this.#onLimited(leave);
      socket.resetAndDestroy();
      return undefined;
    }
    const timer = setTimeout(() => {
      this.#onLimited('connect_timeout');
      socket.destroy();
    }, this.#limits.connectTimeoutMs);
    const visit = {
      address,
      onConnectRead: () => clearTimeout(timer),
      takenBytes: () => takenBytes(socket),
    };
    const ends = endsOf(socket);
    this.#visits.set(ends, visit);
    this.#sockets.add(socket);
    socket.once('close', () => {
      clearTimeout(timer);
      leave();
      this.#sockets.delete(socket);
      if (this.#visits.get(ends) === visit) this.#visits.delete(ends);
    });
    return visit;
  }

  /** The visit of a socket let in before, also when asked with the TLS socket on top of it. */
  visitOf(socket: Socket): Visit | undefined {
    return this.#visits.get(endsOf(socket));
  }

  /** Ends all connections at once. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Both ends of a connection, which no other one shares while it is open. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
