/** Wakes whoever waits; a wake with nobody waiting is not remembered, callers check their state. */
import type { Clock } from './ports.ts';

export class Wake {
  #waiters = new Set<() => void>();

  now(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  /** As {@link next}, but no longer than `ms`. */
  async within(ms: number, clock: Pick<Clock, 'sleep'>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const enough = new AbortController();
    this.#waiters.add(resolve);
    await Promise.race([clock.sleep(ms, enough.signal), promise]);
    this.#waiters.delete(resolve);
    enough.abort();
  }
}
