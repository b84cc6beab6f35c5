/**
 * The promise's outcome, or a rejection saying `late` when that takes too long: a server that is stopped but
 * not gone never answers and never fails.
 * @param ms wall time
 */
export async function within<Answer>(
  ms: number,
  promise: Promise<Answer>,
  late = `no answer within ${ms / 1000} s`,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
