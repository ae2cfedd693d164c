/** Time as the interpreter sees it, so that a test can let a day pass in a millisecond. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers hold 31 bits of milliseconds; a longer wait is taken in pieces. */
const longestTimerMs = 2 ** 31 - 1;

export const wallClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    const until = Date.now() + ms;
    do {
      await sleepOnce(Math.min(Math.max(0, until - Date.now()), longestTimerMs), signal);
    } while (Date.now() < until && signal?.aborted !== true);
  },
};

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted === true) return Promise.resolve();
  const wake = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', wake);
    resolve();
  };
  const timer = setTimeout(wake, ms);
  signal?.addEventListener('abort', wake);
  return promise;
}
