/**
 * The pipes that a kernel writes to. Owns when each is read: not while nobody takes more, not one that is
 * far ahead of the others, and after the end of the process until they are silent.
 */
import type { Readable } from 'node:stream';
import type { Log } from '../log.ts';
import { OUTPUT_STREAMS, type OutputStream } from '../output/coalescer.ts';
import { lastWords } from '../output/last-words.ts';
import type { Demux } from './demux.ts';

/** How long one lane waits for the others before order is given up. */
const ORDER_PATIENCE_MS = 1_000;
/** Of a process that has ended: what it wrote was read by then. */
const SILENCE_MS = 50;

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

  /** To be called once the process has ended. */
  lastWords(): Promise<void> {
    return lastWords({
      streams: this.#streams(),
      lastDataMs: () => this.#lastData,
      isPaused: () => this.#paused,
      silenceMs: SILENCE_MS,
    });
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
