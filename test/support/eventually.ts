import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until the question is answered with something that is not `undefined` or `false`, and returns that.
 * @throws an error naming what was waited for, with the last failure of the question
 */
export async function eventually<Answer>(
  what: string,
  ask: () => Answer | Promise<Answer>,
  withinMs = 20_000,
): Promise<NonNullable<Exclude<Answer, false>>> {
  const giveUpAt = Date.now() + withinMs;
  let failure: unknown;
  while (Date.now() < giveUpAt) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false)
        return answer as NonNullable<Exclude<Answer, false>>;
    } catch (error) {
      failure = error;
    }
    await sleep(50);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`, { cause: failure });
}
