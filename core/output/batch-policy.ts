/**
 * When a batch of events goes to the log, and to which storey. Pure: the writer asks with what it
 * has and what time it is.
 *
 * The first event goes at once, then at most one row every 50 ms in the first 2 s, 100 ms to 10 s,
 * 250 ms after. Rows take at most 256 KB a second together; above that rate, or for an event over
 * 32 KB, a segment in the bucket takes the batch: a table's partition takes 1 MB/s, a bucket any rate.
 */
const KIB = 1024;

export const ROW_BYTES_PER_SECOND = 256 * KIB;
export const EVENT_BYTES_IN_ROW = 32 * KIB;
export const SEGMENT_BYTES = 4 * KIB * KIB;
/** A segment costs a request of two services: batches of the fast lane are gathered this long. */
const SEGMENT_INTERVAL_MS = 250;

/** The pause between two rows at this age of the log, in ms. */
export function rowIntervalMs(ageMs: number): number {
  if (ageMs < 2_000) return 50;
  return ageMs < 10_000 ? 100 : 250;
}

export interface Batch {
  readonly bytes: number;
  readonly largestEventBytes: number;
}

export type Decision =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'row' }
  | { readonly kind: 'segment' };

export class BatchPolicy {
  readonly #startedMs: number;
  #lastWriteMs: number | undefined;
  /** A bucket of bytes that refills with time: the rate of rows. */
  #allowance = ROW_BYTES_PER_SECOND;
  #allowanceMs: number;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
    this.#allowanceMs = startedMs;
  }

  decide(batch: Batch, nowMs: number): Decision {
    if (batch.bytes >= SEGMENT_BYTES) return { kind: 'segment' };
    const storey = this.#storey(batch, nowMs);
    const interval = Math.max(
      rowIntervalMs(nowMs - this.#startedMs),
      storey === 'segment' ? SEGMENT_INTERVAL_MS : 0,
    );
    const dueMs = this.#lastWriteMs === undefined ? nowMs : this.#lastWriteMs + interval;
    return dueMs > nowMs ? { kind: 'wait', ms: dueMs - nowMs } : { kind: storey };
  }

  /** The last batch does not wait; which storey takes it? */
  last(batch: Batch, nowMs: number): 'row' | 'segment' {
    return this.#storey(batch, nowMs);
  }

  wrote(storey: 'row' | 'segment', batch: Batch, nowMs: number): void {
    this.#lastWriteMs = nowMs;
    this.#allowance = this.#allowed(nowMs) - (storey === 'row' ? batch.bytes : 0);
    this.#allowanceMs = nowMs;
  }

  #storey(batch: Batch, nowMs: number): 'row' | 'segment' {
    return batch.largestEventBytes > EVENT_BYTES_IN_ROW || batch.bytes > this.#allowed(nowMs)
      ? 'segment'
      : 'row';
  }

  #allowed(nowMs: number): number {
    const gained = ((nowMs - this.#allowanceMs) / 1000) * ROW_BYTES_PER_SECOND;
    return Math.min(ROW_BYTES_PER_SECOND, this.#allowance + gained);
  }
}
