/**
 * Writes one execution's events to the log, in order, one write at a time, gathered by the batch
 * policy. Holds what is not yet written; `room()` lets the source wait while that is too much.
 * Writes only while its lease holds, with a third of the lease to spare.
 */
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import type { Clock } from '../ports.ts';
import { Wake } from '../wake.ts';
import { type Batch, BatchPolicy } from './batch-policy.ts';
import type { OutputRow, OutputStore, SegmentStore } from './output-log.ts';

/** The writer may no longer write: another holds the lease, or its own may have lapsed. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

export interface LogWriterDeps {
  readonly output: OutputStore;
  readonly segments: SegmentStore;
  readonly clock: Clock;
}

const ROOM_BYTES = 8 * 1024 * 1024;
const utf8 = new TextEncoder();
const jsonBytes = (event: Event): number => utf8.encode(JSON.stringify(event)).length;

export class LogWriter {
  readonly #deps: LogWriterDeps;
  readonly #executionId: ExecutionId;
  readonly #mayWrite: () => boolean;
  readonly #policy: BatchPolicy;
  readonly #wake = new Wake();
  #pending: { event: Event; bytes: number }[] = [];
  #pendingBytes = 0;
  #bytes = 0;
  #stopping = false;
  #failure: unknown;
  readonly #loop: Promise<void>;

  /** @param mayWrite false once the lease may have lapsed */
  constructor(deps: LogWriterDeps, executionId: ExecutionId, mayWrite: () => boolean) {
    this.#deps = deps;
    this.#executionId = executionId;
    this.#mayWrite = mayWrite;
    this.#policy = new BatchPolicy(deps.clock.nowMs());
    this.#loop = this.#run().catch((error: unknown) => {
      this.#failure = error;
      // Whoever waits for room must hear of it.
      this.#wake.now();
    });
  }

  /** @throws the failure of an earlier write */
  add(event: Event): void {
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = jsonBytes(event);
    this.#pending.push({ event, bytes });
    this.#pendingBytes += bytes;
    this.#bytes += bytes;
    this.#wake.now();
  }

  /** All that was added, as JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when the source may go on; at once, unless the log lags behind. */
  async room(): Promise<void> {
    while (this.#pendingBytes > ROOM_BYTES && this.#failure === undefined) await this.#wake.next();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the writer; everything but the batch that it answers is in the log then. */
  async close(): Promise<readonly Event[]> {
    this.#stopping = true;
    this.#wake.now();
    await this.#loop;
    if (this.#failure !== undefined) throw this.#failure;
    const rest = this.#pending.map(({ event }) => event);
    this.#pending = [];
    this.#pendingBytes = 0;
    return rest;
  }

  /** Ends the writer with everything in the log. */
  async flush(): Promise<void> {
    const rest = await this.close();
    if (rest.length > 0) await this.#deps.output.append(await this.rowOf(rest));
  }

  /** The row for a last batch; a segment is in the bucket when this resolves. */
  async rowOf(events: readonly Event[]): Promise<OutputRow> {
    if (!this.#mayWrite()) throw new LeaseLost('the lease on the log has lapsed');
    const sizes = events.map(jsonBytes);
    const batch = {
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      largestEventBytes: Math.max(...sizes),
    };
    return this.#row(events, this.#policy.last(batch, this.#deps.clock.nowMs()));
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      if (this.#pending.length === 0) {
        await this.#wake.next();
        continue;
      }
      const decision = this.#policy.decide(this.#batch(), this.#deps.clock.nowMs());
      // A full segment or the end comes before the batch is due.
      if (decision.kind === 'wait') await this.#wake.within(decision.ms, this.#deps.clock);
      else await this.#write(decision.kind);
    }
  }

  async #write(storey: 'row' | 'segment'): Promise<void> {
    if (!this.#mayWrite()) throw new LeaseLost('the lease on the log has lapsed');
    const taken = this.#pending;
    const batch = this.#batch();
    this.#pending = [];
    const row = await this.#row(
      taken.map(({ event }) => event),
      storey,
    );
    // A segment may have taken long.
    if (!this.#mayWrite()) throw new LeaseLost('the lease on the log has lapsed');
    await this.#deps.output.append(row);
    this.#pendingBytes -= batch.bytes;
    this.#policy.wrote(storey, batch, this.#deps.clock.nowMs());
    this.#wake.now();
  }

  async #row(events: readonly Event[], storey: 'row' | 'segment'): Promise<OutputRow> {
    const first = events[0];
    const last = events.at(-1);
    if (!first || !last) throw new Error('a row needs an event');
    const span = { executionId: this.#executionId, firstSeq: first.seq, lastSeq: last.seq };
    if (storey === 'row') return { ...span, events };
    const segmentKey = `output/${this.#executionId}/${first.seq}-${last.seq}.ndjson.gz`;
    await this.#deps.segments.put(segmentKey, events);
    return { ...span, segmentKey };
  }

  #batch(): Batch {
    let bytes = 0;
    let largestEventBytes = 0;
    for (const item of this.#pending) {
      bytes += item.bytes;
      largestEventBytes = Math.max(largestEventBytes, item.bytes);
    }
    return { bytes, largestEventBytes };
  }
}
