/**
 * Closes a connection that has sent no packet for one and a half keep-alives [MQTT-3.1.2-24]. Aedes has such a
 * timer, too, but it runs on while we do not read the connection: what the client sends then waits in the kernel,
 * and it must not be taken for dead because of us.
 */
export class KeepAlive {
  readonly #timer: NodeJS.Timeout;

  /** @param seconds what the client asked for, above 0 */
  constructor(seconds: number, isHeld: () => boolean, onSilent: () => void) {
    this.#timer = setTimeout(() => {
      if (isHeld()) this.#timer.refresh();
      else onSilent();
    }, seconds * 1500);
  }

  /** A packet came, or what the client has sent may be read again. */
  refresh(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
