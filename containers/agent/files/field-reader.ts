/**
 * Reads fields that end with NUL from a stream, and leaves what follows them in it. Must never keep
 * more of a field than its bound: whoever writes may not be who it was started as.
 */
import type { Readable } from 'node:stream';

/** A path and what a link says have 8 KiB at most. */
const MAX_FIELD_BYTES = 16 * 1024;

export class FieldReader {
  readonly #stream: Readable;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('error', () => undefined);
  }

  /** Undefined when the stream ends before the field does. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(0);
      if (end >= 0) {
        const field = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return field;
      }
      if (this.#rest.length > MAX_FIELD_BYTES) return undefined;
      const chunk = await this.#chunk();
      if (!chunk) return undefined;
      this.#rest = Buffer.concat([this.#rest, chunk]);
    }
  }

  async #chunk(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#stream.read() as Buffer | null;
      if (chunk) return chunk;
      if (this.#stream.readableEnded || this.#stream.destroyed) return undefined;
      await this.#changed();
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const events = ['readable', 'end', 'close'] as const;
      const settle = () => {
        for (const event of events) this.#stream.off(event, settle);
        resolve();
      };
      for (const event of events) this.#stream.once(event, settle);
    });
  }
}
