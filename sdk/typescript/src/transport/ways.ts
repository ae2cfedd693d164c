/**
 * The ways in which events can come, the best first, and what a client has learned of them: one that
 * proved useless here is left alone for a while.
 */
import { ConnectionError } from '../errors.ts';
import type { Timing } from './timing.ts';

const WAYS = ['websocket', 'sse', 'poll'] as const;
/** A way in which events come. */
export type Way = (typeof WAYS)[number];

/** Runs in a row that may find a way useless before it is left alone. */
const PATIENCE: Record<Way, number> = { websocket: 1, sse: 2, poll: Number.POSITIVE_INFINITY };

/** @internal */
export class Ways {
  readonly #allowed: readonly Way[];
  readonly #shunMs: number;
  readonly #failures = new Map<Way, number>();
  readonly #shunnedUntil = new Map<Way, number>();

  constructor(choice: Way | 'auto', { shunMs }: Pick<Timing, 'shunMs'>) {
    this.#allowed = choice === 'auto' ? WAYS : [choice];
    this.#shunMs = shunMs;
  }

  /** The one to begin with. */
  best(): Way {
    const now = performance.now();
    const sound = this.#allowed.find((way) => (this.#shunnedUntil.get(way) ?? 0) <= now);
    return sound ?? this.#allowed.at(-1) ?? 'poll';
  }

  /** Where to go on when this one is useless; undefined where there is no other. */
  below(way: Way): Way | undefined {
    return this.#allowed[this.#allowed.indexOf(way) + 1];
  }

  /** It brought something. */
  works(way: Way): void {
    this.#failures.delete(way);
  }

  /** It cannot be had here, or brings nothing. */
  fails(way: Way): void {
    const failures = (this.#failures.get(way) ?? 0) + 1;
    this.#failures.set(way, failures);
    if (failures >= PATIENCE[way]) this.#shunnedUntil.set(way, performance.now() + this.#shunMs);
  }
}

/**
 * For a caller who asked for one way only, and it is useless.
 * @internal
 */
export const noOtherWay = (way: Way, cause: Error, details: Record<string, unknown> = {}) =>
  new ConnectionError(
    `Events cannot come by ${way} here: ${cause.message}. Leave \`transport\` at 'auto' to use what works.`,
    { cause, details },
  );
