/**
 * Events on their way in memory from a relay to its own caller. Bounded: a caller that lags behind
 * is sent to the log, and the relay never waits for it.
 */
import type { Event } from '../../contract/events.ts';

const MAX_CHARS = 4 * 1024 * 1024;

export class EventFeed {
  #queue: Event[] = [];
  #chars = 0;
  #ended = false;
  #overflowed = false;
  #wake: () => void = () => {};

  push(event: Event): void {
    if (this.#ended || this.#overflowed) return;
    this.#queue.push(event);
    this.#chars += sizeOf(event);
    if (this.#chars > MAX_CHARS) this.#overflowed = true;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** True when events were left out: the rest is in the log. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** What has come, a page at a time, until the relay ends or the feed overflows. */
  async *pages(): AsyncGenerator<Event[], void, undefined> {
    while (true) {
      if (this.#queue.length > 0) {
        const page = this.#queue;
        this.#queue = [];
        this.#chars = 0;
        yield page;
      } else if (this.#ended || this.#overflowed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** Near enough: what weighs is text and data. */
function sizeOf(event: Event): number {
  if (event.type === 'stdout' || event.type === 'stderr')
    return (event.text ?? event.base64 ?? '').length + 64;
  return event.type === 'result' ? JSON.stringify(event).length : 256;
}
