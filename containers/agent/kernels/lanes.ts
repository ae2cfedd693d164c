/**
 * The pipes that a kernel writes to. Owns when each is read: not while nobody takes more, not one that is
 * far ahead of the others, and after the end of the process until they are silent.
 */
import type { Readable } from 'node:stream';
import type { Log } from '../log.ts';
import { OUTPUT_STREAMS, type OutputStream } from '../output/coalescer.ts';
import type { Demux } from './demux.ts';

/** How long one lane waits for the others before order is given up. */
const ORDER_PATIENCE_MS = 1_000;
/** After the end of the process its pipes are read until they are silent, but not for ever. */
const LAST_WORDS = { silenceMs: 50, mostMs: 2_000 };

export interface LanesOptions {
  readonly streams: Readonly<Record<OutputStream | 'frames', Readable>>;
  /** Of the present run, if there is one. */
  readonly order: () => Demux | undefined;
  readonly log: Log;
}

export class Lanes {
  readonly #options: LanesOptions;
  #paused = false;
  #patience: NodeJS.Timeout | undefined;
  #lastData = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
    // A pipe may be reset when the process dies; that is an end like any other.
    for (const stream of this.#streams()) stream.on('error', () => undefined);
  }

  /** Stops reading, so that the code waits in its own writes. */
  pause(): void {
    this.#paused = true;
    this.#flow();
  }

  resume(): void {
    this.#paused = false;
    this.#flow();
  }

  /** To be called after whatever was read. */
  heard(): void {
    this.#lastData = performance.now();
    this.#flow();
  }

  /** No lane waits for another any more. */
  endOrder(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  /** A process that lives on may hold the pipes, so their end is no sign: silence is. */
  async lastWords(): Promise<void> {
    const start = performance.now();
    this.#lastData = start;
    while (this.#streams().some((stream) => !stream.readableEnded && !stream.destroyed)) {
      const now = performance.now();
      const silent = now - this.#lastData > LAST_WORDS.silenceMs;
      if (!this.#paused && (silent || now - start > LAST_WORDS.mostMs)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  close(): void {
    for (const stream of this.#streams()) stream.destroy();
  }

  #streams(): Readable[] {
    return Object.values(this.#options.streams);
  }

  #flow(): void {
    const order = this.#options.order();
    for (const lane of [...OUTPUT_STREAMS, 'frames'] as const) {
      const stop = this.#paused || (order?.isFull(lane) ?? false);
      const stream = this.#options.streams[lane];
      if (stop !== stream.isPaused()) stream[stop ? 'pause' : 'resume']();
    }
    const waits = !this.#paused && order?.waiting === true;
    if (waits) this.#patience ??= setTimeout(() => this.#giveUpOrder(), ORDER_PATIENCE_MS);
    else this.endOrder();
  }

  #giveUpOrder(): void {
    const { log, order } = this.#options;
    this.#patience = undefined;
    log.warn('a kernel kept one of its outputs waiting; their order is given up');
    order()?.force();
    this.#flow();
  }
}
