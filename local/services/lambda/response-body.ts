/**
 * The consumer's end of a streamed response. It reports what was taken out of it, so that the worker sends no more
 * than the window, and gives out every byte that came before a failure before it fails.
 */
import { Readable } from 'node:stream';
import type { Pace } from './pace.ts';
import { RESPONSE_WINDOW_BYTES } from './protocol.ts';

export interface ResponseBodyEvents {
  onTaken(bytes: number): void;
  /** The consumer destroyed the body before its end. */
  onGone(): void;
}

/** Reports are batched: a quarter of the window keeps the sender going and costs few messages. */
const REPORT_BYTES = RESPONSE_WINDOW_BYTES / 4;

export class ResponseBody extends Readable {
  readonly #events: ResponseBodyEvents;
  readonly #queue: Uint8Array[] = [];
  #taken = 0;
  readonly #pace: Pace | undefined;
  #wanted = false;
  #timer: NodeJS.Timeout | undefined;
  #outcome: { error: Error | undefined } | undefined;

  constructor(events: ResponseBodyEvents, pace?: Pace) {
    // No read-ahead: what sits in a stream's own buffer is lost when it is destroyed with an error.
    super({ highWaterMark: 0 });
    this.#events = events;
    this.#pace = pace;
  }

  add(bytes: Uint8Array): void {
    if (this.destroyed) return;
    this.#queue.push(bytes);
    if (this.#wanted) this._read();
  }

  finish(): void {
    this.#settle({ error: undefined });
  }

  fail(error: Error): void {
    this.#settle({ error });
  }

  override _read(): void {
    const bytes = this.#queue.shift();
    this.#wanted = bytes === undefined;
    if (bytes !== undefined) {
      this.#report(bytes.byteLength);
      const waitMs = this.#pace?.waitMs(bytes.byteLength) ?? 0;
      if (waitMs > 0) this.#timer = setTimeout(() => this.push(bytes), waitMs);
      else this.push(bytes);
    } else if (this.#outcome?.error !== undefined) {
      this.destroy(this.#outcome.error);
    } else if (this.#outcome !== undefined) {
      this.push(null);
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#queue.length = 0;
    clearTimeout(this.#timer);
    if (this.#outcome === undefined) this.#events.onGone();
    callback(error);
  }

  #settle(outcome: { error: Error | undefined }): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    if (this.#wanted && !this.destroyed) this._read();
  }

  #report(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < REPORT_BYTES) return;
    this.#events.onTaken(this.#taken);
    this.#taken = 0;
  }
}
