/**
 * The numbered events of one process for those who are there: what some reader has not read yet, and the
 * last one. Owns the rule that a reader either gets every event or is cut. Must never hold more than one
 * read of the process beyond its bound.
 */
import type { Event } from '../../../contract/events.ts';
import type { EventBody } from '../executions/event-body.ts';

/** Above this the process waits. */
const WAITING_BYTES = 1024 * 1024;
/** What an event takes beside its text. */
const EVENT_BYTES = 256;
/** A reader that takes nothing for so long while the process waits for it has gone. */
const STALL_MS = 30_000;

interface Entry {
  readonly event: Event;
  readonly sizeBytes: number;
}

export interface ProcessLogOptions {
  /** True where a reader is behind: the process must wait in its own writes. */
  readonly onBacklog: (full: boolean) => void;
  readonly stallMs?: number;
}

export class ProcessLog {
  readonly #options: ProcessLogOptions;
  readonly #entries: Entry[] = [];
  readonly #readers = new Set<ProcessReader>();
  #waitingBytes = 0;
  #lastSeq = 0;
  #full = false;
  #ended = false;
  #stall: NodeJS.Timeout | undefined;

  constructor(options: ProcessLogOptions) {
    this.#options = options;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** `textBytes`: what of it is output. */
  append(body: EventBody, textBytes: number): void {
    this.#lastSeq += 1;
    const event = { seq: this.#lastSeq, at: new Date().toISOString(), ...body };
    const sizeBytes = textBytes + EVENT_BYTES;
    this.#entries.push({ event, sizeBytes });
    this.#waitingBytes += sizeBytes;
    this.#trim();
    this.#wakeAll();
  }

  end(): void {
    this.#ended = true;
    this.#trim();
    this.#wakeAll();
  }

  /** From the event after `after` on, or from the oldest that is here. `onStall`: it is cut for taking nothing. */
  read(after: number, onStall: () => void): ProcessReader {
    const reader = new ProcessReader(after, {
      onStall,
      after: (seq) => this.#after(seq),
      isEnded: () => this.#ended,
      onRead: () => this.#trim(),
      onClose: () => {
        this.#readers.delete(reader);
        this.#trim();
      },
    });
    this.#readers.add(reader);
    return reader;
  }

  #after(seq: number): Event[] {
    const first = this.#entries[0]?.event.seq ?? 0;
    return this.#entries.slice(Math.max(0, seq + 1 - first)).map(({ event }) => event);
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #trim(): void {
    const slowest = Math.min(...[...this.#readers].map(({ seq }) => seq), this.#lastSeq);
    // Whoever comes after the end still hears it, so the last one stays.
    const isRead = ({ event }: Entry) => event.seq <= slowest && event.seq < this.#lastSeq;
    const read = this.#entries.findLastIndex(isRead) + 1;
    for (const { sizeBytes } of this.#entries.splice(0, read)) this.#waitingBytes -= sizeBytes;
    this.#setFull(this.#waitingBytes > WAITING_BYTES && !this.#ended);
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#options.onBacklog(full);
    clearTimeout(this.#stall);
    if (full) this.#watchStalled();
  }

  #watchStalled(): void {
    const { stallMs = STALL_MS } = this.#options;
    this.#stall = setTimeout(() => {
      const now = performance.now();
      for (const reader of this.#readers)
        if (reader.seq < this.#lastSeq && now - reader.readAt >= stallMs) reader.stall();
      if (this.#full) this.#watchStalled();
    }, stallMs).unref();
  }
}

interface ReaderSource {
  readonly after: (seq: number) => Event[];
  readonly isEnded: () => boolean;
  readonly onRead: () => void;
  readonly onClose: () => void;
  readonly onStall: () => void;
}

export class ProcessReader implements Disposable {
  readonly #source: ReaderSource;
  #seq: number;
  #readAt = performance.now();
  #cut = false;
  #wake: (() => void) | undefined;

  constructor(after: number, source: ReaderSource) {
    this.#seq = after;
    this.#source = source;
  }

  /** The last that it was given. */
  get seq(): number {
    return this.#seq;
  }

  get readAt(): number {
    return this.#readAt;
  }

  /** What there is, else what comes within `waitMs`. `cut` where it was too slow or has been closed. */
  async next(waitMs: number): Promise<Event[] | 'silence' | 'end' | 'cut'> {
    this.#readAt = performance.now();
    this.#source.onRead();
    for (let waited = false; ; waited = true) {
      if (this.#cut) return 'cut';
      const events = this.#source.after(this.#seq);
      const last = events.at(-1);
      if (last) {
        this.#seq = last.seq;
        return events;
      }
      if (this.#source.isEnded()) return 'end';
      if (waited) return 'silence';
      await this.#changed(waitMs);
    }
  }

  wake(): void {
    this.#wake?.();
  }

  stall(): void {
    this[Symbol.dispose]();
    this.#source.onStall();
  }

  [Symbol.dispose](): void {
    this.#cut = true;
    this.#source.onClose();
    this.wake();
  }

  #changed(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(settle, waitMs);
      this.#wake = settle;
    });
  }
}
