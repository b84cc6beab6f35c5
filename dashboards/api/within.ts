/**
 * The promise's outcome, or a rejection with `no answer within … s` when that takes too long: a server that
 * is stopped but not gone never answers and never fails.
 */
export async function within<Answer>(ms: number, promise: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
