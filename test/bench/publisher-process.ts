import { publish } from './publisher.js';
import type { PublishOrder } from './publisher.js';

// The publisher in a process of its own: takes one order from its parent, answers with the result, ends.
process.once('message', (order: PublishOrder) => {
  publish(order).then(
    (result) => process.send?.({ result }, () => process.exit(0)),
    (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
  );
});
