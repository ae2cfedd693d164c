/** A clock whose time passes only when nobody has anything else to do. */
import type { Clock } from '../../core/ports.ts';

interface Timer {
  readonly atMs: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  #timers: Timer[] = [];
  #held = 0;

  nowMs = () => this.#nowMs;
  iso = (ms: number) => new Date(ms).toISOString();
  msOf = (iso: string) => Date.parse(iso);

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = { atMs: this.#nowMs + Math.max(0, ms), wake: resolve };
      this.#timers.push(timer);
      signal?.addEventListener(
        'abort',
        () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
          resolve();
        },
        { once: true },
      );
    });

  /** No time passes while this work, which knows nothing of the clock, is not done. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await work;
    } finally {
      this.#held -= 1;
    }
  }

  /** Runs until the work settles; fails when it waits for something that cannot come. */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    while (true) {
      for (let turns = 0; (turns < 3 || this.#held > 0) && !settled; turns++)
        await new Promise((next) => setImmediate(next));
      if (settled) return done;
      const [next] = this.#timers.sort((a, b) => a.atMs - b.atMs);
      if (!next) throw new Error('deadlock: nothing is due and the work is not done');
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
  }
}
