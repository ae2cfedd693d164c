/**
 * `process.stdin` of a run while more of it may come. Must never take more from the channel than the
 * code reads, nor hold the channel once the run has ended.
 */
import { Readable } from 'node:stream';
import { Buffer } from './globals.mjs';

const { from } = Buffer;

export class LiveStdin {
  stream;
  #channels;
  #closed = false;

  constructor(channels) {
    this.#channels = channels;
    this.stream = new Readable({
      read: () => channels.resume(),
      destroy: (error, done) => {
        channels.resume();
        done(error);
      },
    });
  }

  feed(text, close) {
    if (this.#closed || this.stream.destroyed) return;
    if (text !== '' && !this.stream.push(from(text))) this.#channels.pause();
    if (close) this.#close();
  }

  end() {
    if (!this.#closed && !this.stream.destroyed) this.#close();
    this.#channels.resume();
  }

  #close() {
    this.#closed = true;
    this.stream.push(null);
  }
}
