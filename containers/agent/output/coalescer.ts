/**
 * Decides when output becomes events: a line at once, what follows within 5 ms together, 16 KiB at
 * most. Owns one timer. Must never reorder a stream or keep bytes back beyond `end`.
 */
import { BlockBuffer } from './block-buffer.ts';
import { BLOCK_BYTES, type Piece } from './pieces.ts';

export type OutputStream = 'stdout' | 'stderr';
export const OUTPUT_STREAMS = ['stdout', 'stderr'] as const;

const WINDOW_MS = 5;

export class OutputCoalescer implements Disposable {
  readonly #emit: (stream: OutputStream, piece: Piece) => void;
  readonly #buffers = { stdout: new BlockBuffer(), stderr: new BlockBuffer() };
  #timer: NodeJS.Timeout | undefined;
  #lastFlush = -Infinity;

  constructor(emit: (stream: OutputStream, piece: Piece) => void) {
    this.#emit = emit;
  }

  push(stream: OutputStream, bytes: Buffer): void {
    const buffer = this.#buffers[stream];
    this.#send(stream, buffer.push(bytes));
    if (buffer.sizeBytes === 0) return;
    // The first output after a silence goes at once, unless its line is not complete yet.
    const quiet = performance.now() - this.#lastFlush >= WINDOW_MS;
    if (quiet && buffer.endsLine && bytes.length < BLOCK_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS);
  }

  /** Sends what is there; the first bytes of a character wait for the others. */
  flush(): void {
    this.#stopTimer();
    this.#lastFlush = performance.now();
    for (const stream of OUTPUT_STREAMS) this.#send(stream, this.#buffers[stream].flush());
  }

  /** No more output comes. */
  end(): void {
    this.#stopTimer();
    for (const stream of OUTPUT_STREAMS) this.#send(stream, this.#buffers[stream].end());
  }

  [Symbol.dispose](): void {
    this.#stopTimer();
  }

  #send(stream: OutputStream, pieces: Piece[]): void {
    for (const piece of pieces) this.#emit(stream, piece);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
