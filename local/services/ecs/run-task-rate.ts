/** How many tasks may be started a second: a bucket that holds one second's worth. It starts nothing itself. */
import { EcsError } from './errors.ts';

export class RunTaskRate {
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #filledAt: number;

  constructor({ perSecond, now }: { readonly perSecond: number; readonly now: () => number }) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = perSecond;
    this.#filledAt = now();
  }

  /** Throws a `ThrottlingException` when fewer are left: then none is taken. */
  take(count: number): void {
    const now = this.#now();
    const gained = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + gained);
    this.#filledAt = now;
    if (this.#left < count) throw new EcsError('ThrottlingException', 'Rate exceeded');
    this.#left -= count;
  }
}
