/**
 * The events of one execution, numbered and counted as Step Functions does: an execution whose history is full fails.
 * It tells what happened; it decides nothing.
 */
import { z } from 'zod';
import { StateError } from './state-error.ts';

export const historyEvent = z.looseObject({
  id: z.number(),
  previousEventId: z.number(),
  /** Seconds since 1970, as the API answers. */
  timestamp: z.number(),
  type: z.string(),
});

export type HistoryEvent = z.output<typeof historyEvent>;

export class History {
  readonly #limit: number;
  readonly #nowMs: () => number;
  readonly #events: HistoryEvent[];

  constructor(options: {
    /** The last of these is the end of the execution. */
    readonly limit: number;
    readonly nowMs: () => number;
    readonly events?: readonly HistoryEvent[];
  }) {
    this.#limit = options.limit;
    this.#nowMs = options.nowMs;
    this.#events = [...(options.events ?? [])];
  }

  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** Throws a `StateError` that nothing catches when only the end has room. */
  add(type: string, details: Readonly<Record<string, object>> = {}): void {
    if (this.#events.length >= this.#limit - 1)
      throw new StateError(
        'States.Runtime',
        `The execution reached the maximum number of history events (${this.#limit}).`,
      );
    this.addEnd(type, details);
  }

  /** How the execution ended: always has room. */
  addEnd(type: string, details: Readonly<Record<string, object>> = {}): void {
    const length = this.#events.length;
    this.#events.push({
      id: length + 1,
      // As AWS numbers them: the first state follows nothing.
      previousEventId: length <= 1 ? 0 : length,
      timestamp: this.#nowMs() / 1000,
      type,
      ...details,
    });
  }
}

/** As the API shows data that is whole. */
export const whole = { truncated: false } as const;
