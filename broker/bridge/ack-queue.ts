/**
 * Sends acknowledgements in the order in which their messages came [MQTT-4.6.0-2], whatever the order in which
 * they become due.
 */
export class AckQueue {
  readonly #waiting: { due: boolean; readonly send: () => void }[] = [];

  /** Takes a place in the order. @returns to be called once, when the acknowledgement is due */
  enter(send: () => void): () => void {
    const place = { due: false, send };
    this.#waiting.push(place);
    return () => {
      place.due = true;
      while (this.#waiting[0]?.due === true) this.#waiting.shift()?.send();
    };
  }
}
