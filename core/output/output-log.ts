/**
 * The output log, two storeys: rows in a table, and rows that point to a segment in a bucket where
 * the rate or an event is too high for the table.
 *
 * Invariants that make every reader complete: a writer's rows are contiguous from where it began;
 * a row is never replaced by a shorter one; only the holder of the lease writes.
 */
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';

interface RowBase {
  readonly executionId: ExecutionId;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export type OutputRow =
  | (RowBase & { readonly events: readonly Event[] })
  | (RowBase & { readonly segmentKey: string });

export interface OutputStore {
  /** Refused silently where a row from the same seq on already reaches further: it holds the same. */
  append(row: OutputRow): Promise<void>;
  /** Rows whose first seq is above `after`, in order; one page. */
  rowsAfter(executionId: ExecutionId, after: number): Promise<OutputRow[]>;
  /** Rows whose first seq is at most `seq`, nearest first; a few. */
  rowsUpTo(executionId: ExecutionId, seq: number): Promise<OutputRow[]>;
  /** The row with the highest first seq. */
  lastRow(executionId: ExecutionId): Promise<OutputRow | undefined>;
}

export interface SegmentStore {
  put(key: string, events: readonly Event[]): Promise<void>;
  /** Undefined when it is no longer kept. */
  get(key: string): Promise<Event[] | undefined>;
}

/** Asks the relay function to take an execution over, and does not wait for it. */
export interface RelayStarter {
  start(request: { executionId: ExecutionId; epoch: number; hop: number }): Promise<void>;
}
