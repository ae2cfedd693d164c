/**
 * Mutual exclusion by key: tasks that share a key run one after another, in the order in which they came.
 * All keys of a task are queued for at once, so tasks with several keys cannot deadlock.
 */
export class KeyLocks {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#tails.get(key)).filter((tail) => tail !== undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of keys) this.#tails.set(key, promise);
    if (before.length > 0) await Promise.all(before);
    try {
      return await task();
    } finally {
      for (const key of keys) {
        if (this.#tails.get(key) === promise) this.#tails.delete(key);
      }
      resolve();
    }
  }
}
