/** An answer that waits for work, and not too long. */
import type { Clock } from '../../core/ports.ts';

/** Undefined where the work is not done by then; it goes on. */
export async function within<T>(
  { clock }: { readonly clock: Clock },
  work: Promise<T>,
  ms: number,
): Promise<T | undefined> {
  const done = new AbortController();
  try {
    return await Promise.race([work, clock.sleep(ms, done.signal).then(() => undefined)]);
  } finally {
    done.abort();
  }
}
