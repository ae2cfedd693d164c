/** How long the SDK waits for what, once, and the waits themselves. */

export interface Timing {
  /** One request with its answer; the server itself waits up to 25 s. */
  readonly requestMs: number;
  /** First byte of the stream of a run: its first event is due at once. */
  readonly firstByteMs: number;
  /** Any byte of a stream: the server's heartbeat passes every 10 s. */
  readonly silenceMs: number;
  /** What a long poll asks the server to wait. */
  readonly longPollMs: number;
  /** Unbroken trouble after which reading is given up. */
  readonly giveUpMs: number;
  /** What an aborted run waits for its interrupt to be answered. */
  readonly interruptMs: number;
  /** Attempts of an idempotent call, the first one included. */
  readonly attempts: number;
  /** Longest `Retry-After` that is waited for. */
  readonly retryAfterMs: number;
  /** Ticket and handshake of the WebSocket. */
  readonly socketOpenMs: number;
  /** An answer on the WebSocket; that to a start includes the start. */
  readonly socketAnswerMs: number;
  /** Silence of the WebSocket before it is asked whether it lives: heartbeats pass every 30 s. */
  readonly socketSilenceMs: number;
  /** A WebSocket that nobody reads by is closed after this long. */
  readonly socketIdleMs: number;
  /** After events were read, before they are acknowledged: each 4 s is due. */
  readonly ackMs: number;
  /** How long a way in which no events came is left alone. */
  readonly shunMs: number;
  /** Between looks at a sandbox that is being launched: the first pause, and the longest. */
  readonly statusPoll: { readonly baseMs: number; readonly capMs: number };
  readonly backoff: { readonly baseMs: number; readonly capMs: number };
}

export const TIMING: Timing = {
  requestMs: 35_000,
  firstByteMs: 5_000,
  silenceMs: 25_000,
  longPollMs: 20_000,
  giveUpMs: 120_000,
  interruptMs: 5_000,
  attempts: 4,
  retryAfterMs: 30_000,
  socketOpenMs: 5_000,
  socketAnswerMs: 30_000,
  socketSilenceMs: 40_000,
  socketIdleMs: 5_000,
  ackMs: 3_000,
  shunMs: 5 * 60_000,
  statusPoll: { baseMs: 150, capMs: 2_000 },
  backoff: { baseMs: 100, capMs: 5_000 },
};

/** Full jitter: anywhere between nothing and the exponential bound, so that clients spread out. */
export function jitterMs(failures: number, { baseMs, capMs }: Timing['backoff']): number {
  return Math.random() * Math.min(capMs, baseMs * 2 ** Math.max(0, failures - 1));
}

/** Rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const done = () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/**
 * Work under a signal that aborts with the given one, or when the work has not ended in time. The
 * clock stops with the work; what it answered (a body) stays under the given signal.
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`nothing came within ${ms} ms`)), ms);
  try {
    return await work(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The promise's value, unless the signal aborts first; what comes later is dropped. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason as Error);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** The promise's value, or `undefined` once the time is over; what comes later is dropped. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
