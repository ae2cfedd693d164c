/**
 * What a process that has ended left in its pipes. A child that lives on may hold them, so their end is no
 * sign that all was written: silence is, in time. Must never count the time in which nobody took more.
 */
import type { Readable } from 'node:stream';

const POLL_MS = 5;
/** A child that goes on printing is not waited for. */
const MOST_MS = 2_000;

export interface LastWords {
  readonly streams: readonly Readable[];
  /** By `performance.now()`. */
  readonly lastDataMs: () => number;
  /** Nobody takes more at present. */
  readonly isPaused: () => boolean;
  /** Nobody is to be waited for either. */
  readonly isGivenUp?: () => boolean;
  readonly silenceMs: number;
}

/** Resolves once all of it was read. */
export async function lastWords(of: LastWords): Promise<void> {
  const isOpen = (stream: Readable) => !stream.readableEnded && !stream.destroyed;
  let from = performance.now();
  while (of.streams.some(isOpen)) {
    const now = performance.now();
    if (!of.isPaused()) {
      if (now - Math.max(from, of.lastDataMs()) > of.silenceMs || now - from > MOST_MS) return;
    } else if (of.isGivenUp?.()) return;
    else from = now;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
