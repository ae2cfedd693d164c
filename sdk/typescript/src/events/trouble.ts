/** How often reading failed in a row: how long to pause, and when that is the end of it. */
import { CodeInterpreterError, ConnectionError } from '../errors.ts';
import { jitterMs, type Timing } from '../transport/timing.ts';
import { Cut } from './cut.ts';
import type { EventLog } from './log.ts';

/** The same event missing this often is no cut but a hole in the log. */
const MISSING_LIMIT = 4;

export class Trouble {
  /** Since the last new event. */
  failures = 0;
  #missing = 0;
  #since: number | undefined;
  readonly #timing: Timing;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  over(): void {
    this.failures = 0;
    this.#missing = 0;
    this.#since = undefined;
  }

  /** The pause before the next attempt; throws what cannot be mended by one. */
  pauseAfter(
    error: unknown,
    { executionId, log }: { executionId: string | undefined; log: EventLog },
  ): number {
    const mendable =
      error instanceof Cut || (error instanceof CodeInterpreterError && error.retryable);
    if (!mendable) throw error;
    this.failures += 1;
    this.#since ??= performance.now();
    if (error instanceof Cut && error.kind === 'gap') this.#missing += 1;
    const lastingMs = performance.now() - this.#since;
    if (this.#missing >= MISSING_LIMIT || lastingMs > this.#timing.giveUpMs) {
      if (executionId === undefined) throw unknownExecution(error);
      throw new ConnectionError(
        `Reading the execution ${executionId} was given up: ${error.message}. It was not stopped; its events after ${log.cursor} stay readable.`,
        { cause: error, details: { executionId, after: log.cursor } },
      );
    }
    const wishMs = error instanceof Cut ? error.retryMs : error.retryAfterMs;
    return (
      Math.min(wishMs ?? 0, this.#timing.retryAfterMs) +
      jitterMs(this.failures, this.#timing.backoff)
    );
  }
}

/** The one loss that cannot be resumed: asked again under its key, the start was lost again. */
export function unknownExecution(cause: unknown): ConnectionError {
  return new ConnectionError(
    'The connection was lost before the id of the execution was known, so the code may be running or not. Run it again under the same `idempotencyKey` and it will not run twice; sandbox.executions() shows what runs.',
    { cause },
  );
}
