import type { MqttClient } from 'mqtt';

/** Publishes to one topic with QoS 1, many at a time but never more than the window unacknowledged. */
export class WindowedPublisher {
  sent = 0;
  /** PUBACKs received; one for each message, however often it had to be sent. */
  acknowledged = 0;
  readonly #client: MqttClient;
  readonly #topic: string;
  readonly #window: number;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  /** @param window @defaultValue 1000 messages */
  constructor(client: MqttClient, topic: string, window = 1000) {
    this.#client = client;
    this.#topic = topic;
    this.#window = window;
  }

  /** Sends, as soon as there is room in the window; to be awaited before the next. @throws what `stop` was given */
  async publish(payload: string): Promise<void> {
    await this.#until(() => this.sent - this.acknowledged < this.#window);
    this.sent += 1;
    this.#client.publish(this.#topic, payload, { qos: 1 }, (error) => {
      // An error means that the connection was given up: `stop` says so to who waits.
      if (error) return;
      this.acknowledged += 1;
      this.#wake?.();
    });
  }

  /** Waits until all that was sent is acknowledged. @throws what `stop` was given */
  drained(): Promise<void> {
    return this.#until(() => this.acknowledged === this.sent);
  }

  /** Lets nobody wait any longer: they get this error. */
  stop(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  async #until(holds: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (holds()) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
