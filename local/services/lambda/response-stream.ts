/**
 * The `responseStream` of a streamed handler, inside the worker. It lets a bounded window of bytes go to the
 * consumer and then holds the handler's writes. Once the consumer has left it swallows what is written.
 */
import { Writable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { type FromWorker, PIECE_BYTES, RESPONSE_WINDOW_BYTES } from './protocol.ts';

type Done = (error?: Error | null) => void;

export class ResponseStream extends Writable {
  readonly #port: MessagePort;
  #inFlight = 0;
  #consumerGone = false;
  #prelude: string | undefined;
  #held: (() => void) | undefined;

  constructor(port: MessagePort, highWaterMark: number | undefined) {
    super({ decodeStrings: true, ...(highWaterMark === undefined ? {} : { highWaterMark }) });
    this.#port = port;
  }

  /** Part of the runtime's interface; the content type travels in the prelude. */
  setContentType(_contentType: string): void {}

  /** The prelude leaves with the first `write`, also an empty one. `end(chunk)` alone sends none, as on AWS. */
  setPrelude(prelude: unknown): void {
    this.#prelude = JSON.stringify(prelude);
  }

  override write(chunk: unknown, callback?: Done): boolean;
  override write(chunk: unknown, encoding: BufferEncoding, callback?: Done): boolean;
  override write(chunk: unknown, encoding?: BufferEncoding | Done, callback?: Done): boolean {
    if (this.#prelude !== undefined) {
      this.#post({ type: 'prelude', json: this.#prelude });
      this.#prelude = undefined;
    }
    const data =
      typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
    return typeof encoding === 'string'
      ? super.write(data, encoding, callback)
      : super.write(data, encoding ?? callback);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Done): void {
    this.#send(chunk, 0, callback);
  }

  override _final(callback: Done): void {
    this.#post({ type: 'end' });
    callback();
  }

  /** The consumer took bytes: go on when the window has room again. */
  taken(bytes: number): void {
    this.#inFlight -= bytes;
    if (this.#inFlight < RESPONSE_WINDOW_BYTES) this.#release();
  }

  consumerLeft(): void {
    this.#consumerGone = true;
    this.#release();
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }

  #send(chunk: Buffer, offset: number, callback: Done): void {
    let start = offset;
    while (start < chunk.byteLength && !this.#consumerGone) {
      if (this.#inFlight >= RESPONSE_WINDOW_BYTES) {
        this.#held = () => this.#send(chunk, start, callback);
        return;
      }
      // A copy of its own: the handler may use its buffer again, and a pooled one cannot be handed over.
      const bytes = Uint8Array.prototype.slice.call(chunk, start, start + PIECE_BYTES);
      start += bytes.byteLength;
      this.#inFlight += bytes.byteLength;
      this.#post({ type: 'chunk', bytes }, [bytes.buffer]);
    }
    if (this.#consumerGone || this.#inFlight < RESPONSE_WINDOW_BYTES) callback();
    else this.#held = () => callback();
  }

  #post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}
