/**
 * Reads the log from any cursor: each event once, in order, also while relays take over from each
 * other and rows overlap.
 *
 * In the common case the next row begins right after the cursor: one query. Where it does not (a
 * first read in the middle of a row, a gap left by overlapping writers), the rows before the cursor
 * are searched for one that reaches over it.
 */
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import { byReference } from './large-results.ts';
import type { OutputRow, OutputStore, SegmentStore } from './output-log.ts';

export interface LogReaderDeps {
  readonly output: OutputStore;
  readonly segments: SegmentStore;
}

/** A segment or rows are no longer kept. */
export class LogExpired extends Error {
  override readonly name = 'LogExpired';
}

export class LogReader {
  readonly #deps: LogReaderDeps;
  readonly #executionId: ExecutionId;
  readonly #whole: boolean;
  #cursor: number;
  #first = true;

  /** Large results come by reference, unless they are wanted `whole`. */
  constructor(
    deps: LogReaderDeps,
    executionId: ExecutionId,
    after: number,
    { whole = false }: { readonly whole?: boolean } = {},
  ) {
    this.#deps = deps;
    this.#executionId = executionId;
    this.#cursor = after;
    this.#whole = whole;
  }

  /** Seq of the last event handed out. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * What follows the cursor, as far as the log has it; one page, empty when there is nothing yet.
   * @param thorough search behind the cursor even if nothing is ahead: where the execution has ended
   */
  async next(thorough = false): Promise<Event[]> {
    const rows = await this.#deps.output.rowsAfter(this.#executionId, this.#cursor);
    const contiguous = rows[0]?.firstSeq === this.#cursor + 1;
    const search = this.#first || (!contiguous && (rows.length > 0 || thorough));
    this.#first = false;
    const events: Event[] = [];
    if (search && !contiguous) {
      // With nothing ahead, a row that reaches over the cursor is among the nearest, or comes to
      // be found once something is ahead, or once the execution has ended.
      const deep = rows.length > 0 || thorough;
      const over = await this.#rowOver(this.#cursor + 1, deep);
      if (over) await this.#take(over, events);
    }
    for (const row of rows) {
      if (row.firstSeq > this.#cursor + 1) break;
      if (row.lastSeq > this.#cursor) await this.#take(row, events);
      // A page holds one segment at most: that is what bounds it.
      if ('segmentKey' in row) break;
    }
    return events;
  }

  /** Skips to a cursor that the reader got elsewhere. */
  skipTo(seq: number): void {
    if (seq <= this.#cursor) return;
    this.#cursor = seq;
    this.#first = true;
  }

  async #rowOver(seq: number, deep: boolean): Promise<OutputRow | undefined> {
    let below = seq;
    while (below > 0) {
      const rows = await this.#deps.output.rowsUpTo(this.#executionId, below);
      const over = rows.find((row) => row.lastSeq >= seq);
      if (over) return over;
      const nearest = rows.at(-1);
      if (!nearest || !deep) return undefined;
      below = nearest.firstSeq - 1;
    }
    return undefined;
  }

  async #take(row: OutputRow, into: Event[]): Promise<void> {
    const events = 'events' in row ? row.events : await this.#deps.segments.get(row.segmentKey);
    if (!events) throw new LogExpired(`segment of ${this.#executionId} is no longer kept`);
    for (const event of events) {
      if (event.seq !== this.#cursor + 1) continue;
      into.push(this.#whole ? event : byReference(this.#executionId, event));
      this.#cursor = event.seq;
    }
  }
}
