/** Which retrier means an error, and how long to wait before the next attempt. Pure. */
import type { Retrier } from './definition.ts';
import { isMeant, type StateError } from './state-error.ts';

/**
 * The pause before the next attempt in milliseconds, or undefined when there is none. The first retrier that means the
 * error decides alone; its attempts are counted in `attempts`.
 */
export function pauseBeforeRetry(options: {
  readonly retriers: readonly Retrier[];
  readonly attempts: number[];
  readonly error: StateError;
  readonly random: () => number;
}): number | undefined {
  const { retriers, attempts, error, random } = options;
  const index = retriers.findIndex(({ ErrorEquals }) => isMeant(ErrorEquals, error));
  const retrier = retriers[index];
  const made = attempts[index] ?? 0;
  if (retrier === undefined || made >= retrier.MaxAttempts) return undefined;
  attempts[index] = made + 1;
  const seconds = Math.min(
    retrier.IntervalSeconds * retrier.BackoffRate ** made,
    retrier.MaxDelaySeconds ?? Infinity,
  );
  return Math.round(seconds * 1000 * (retrier.JitterStrategy === 'FULL' ? random() : 1));
}
