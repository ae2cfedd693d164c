/** The log's stores in memory, with the same conditions as the real ones. */
import type { Event } from '../../contract/events.ts';
import { type ExecutionRecord, type Lease, NOBODY } from '../../core/execution/execution.ts';
import type { ExecutionStore } from '../../core/execution/execution-store.ts';
import type { OutputRow, OutputStore, SegmentStore } from '../../core/output/output-log.ts';

export class MemoryLog {
  readonly rows = new Map<number, OutputRow>();
  readonly segmentsByKey = new Map<string, Event[]>();
  record: ExecutionRecord;
  finishes = 0;
  /** Whether somebody has subscribed to its sandbox. */
  watched = false;

  constructor(record: ExecutionRecord) {
    this.record = record;
  }

  readonly output: OutputStore = {
    append: async (row) => {
      const there = this.rows.get(row.firstSeq);
      if (!there || there.lastSeq < row.lastSeq) this.rows.set(row.firstSeq, row);
    },
    rowsAfter: async (_, after) =>
      this.#sorted()
        .filter(({ firstSeq }) => firstSeq > after)
        .slice(0, 4),
    rowsUpTo: async (_, seq) =>
      this.#sorted()
        .filter(({ firstSeq }) => firstSeq <= seq)
        .reverse()
        .slice(0, 2),
    lastRow: async () => this.#sorted().at(-1),
  };

  readonly segments: SegmentStore = {
    put: async (key, events) => void this.segmentsByKey.set(key, [...events]),
    get: async (key) => this.segmentsByKey.get(key),
  };

  readonly executions: Pick<
    ExecutionStore,
    'get' | 'noteReader' | 'takeLease' | 'renewLease' | 'finish'
  > = {
    get: async () => this.record,
    noteReader: async (_, readUntil) => void (this.record = { ...this.record, readUntil }),
    takeLease: async (_, lease, now) =>
      this.#update(
        lease,
        (held) => held.epoch === lease.epoch - 1 && (held.until < now || held.owner === NOBODY),
      ),
    renewLease: async (_, lease) => this.#update(lease, (held) => held.epoch === lease.epoch),
    finish: async (_, __, epoch, end, row, { unlessWatched }) => {
      if (this.record.status !== 'running' || this.record.lease.epoch !== epoch) return 'lost';
      if (unlessWatched && this.watched) return 'watched';
      await this.output.append(row);
      const { lease: ___, status: ____, ...base } = this.record;
      this.record = { ...base, ...end };
      this.finishes++;
      return 'ended';
    },
  };

  #update(lease: Lease, may: (held: Lease) => boolean): boolean {
    if (this.record.status !== 'running' || !may(this.record.lease)) return false;
    this.record = { ...this.record, lease };
    return true;
  }

  #sorted(): OutputRow[] {
    return [...this.rows.values()].sort((a, b) => a.firstSeq - b.firstSeq);
  }
}
