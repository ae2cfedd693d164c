/**
 * What the readers of one execution are given: the latest events from memory, older ones from the
 * log. Keeps 1 MiB of text at most, and none while nobody reads.
 */
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import { LogReader, type LogReaderDeps } from '../output/log-reader.ts';
import { type OutboundEvent, outboundEvent } from './outbound.ts';

const KEPT_BYTES = 1024 * 1024;
/** A page of the log may hold several MiB: more at once would not fit a function's memory. */
const READS_AT_ONCE = 2;
/** More events than a message holds. */
const TAKEN_AT_ONCE = 512;

export class Feed {
  readonly #deps: LogReaderDeps;
  readonly #executionId: ExecutionId;
  #recent: OutboundEvent[] = [];
  #recentBytes = 0;
  #keeping = false;
  #lastSeq: number;
  #ended = false;
  #reads = 0;
  readonly #queue: (() => void)[] = [];

  constructor(deps: LogReaderDeps, executionId: ExecutionId, after: number) {
    this.#deps = deps;
    this.#executionId = executionId;
    this.#lastSeq = after;
  }

  /** Of the last event that there is. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  push(event: Event): void {
    this.#lastSeq = event.seq;
    if (!this.#keeping) return;
    const outbound = outboundEvent(event);
    this.#recent.push(outbound);
    this.#recentBytes += keptBytes(outbound);
    while (this.#recentBytes > KEPT_BYTES) {
      const oldest = this.#recent.shift();
      if (!oldest) return;
      this.#recentBytes -= keptBytes(oldest);
    }
  }

  /** Nothing comes any more, and all of it is in the log. */
  end(): void {
    this.#ended = true;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Keeps what comes from now on, or nothing. */
  keep(keeping: boolean): void {
    this.#keeping = keeping;
    if (keeping) return;
    this.#recent = [];
    this.#recentBytes = 0;
  }

  /**
   * What follows the cursor, without a gap; empty where nothing has come yet, or where it is on its
   * way to the log.
   * @throws {LogExpired} when it is no longer kept
   */
  async after(cursor: number): Promise<readonly OutboundEvent[]> {
    if (cursor >= this.#lastSeq) return [];
    const first = this.#recent[0]?.seq ?? Number.POSITIVE_INFINITY;
    if (first <= cursor + 1) {
      const from = cursor + 1 - first;
      return this.#recent.slice(from, from + TAKEN_AT_ONCE);
    }
    return this.#fromLog(cursor);
  }

  async #fromLog(cursor: number): Promise<readonly OutboundEvent[]> {
    if (this.#reads >= READS_AT_ONCE)
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#reads += 1;
    try {
      const page = await new LogReader(this.#deps, this.#executionId, cursor).next(this.#ended);
      return head(page);
    } finally {
      this.#reads -= 1;
      this.#queue.shift()?.();
    }
  }
}

const keptBytes = ({ json, sizeBytes }: OutboundEvent) => (json === undefined ? 64 : sizeBytes);

/** As much of a page as a reader may get unacknowledged: it keeps no more. */
export function head(page: readonly Event[]): OutboundEvent[] {
  const events: OutboundEvent[] = [];
  let bytes = 0;
  for (const event of page) {
    const outbound = outboundEvent(event);
    events.push(outbound);
    bytes += keptBytes(outbound);
    if (bytes > SOCKET_LIMITS.unacknowledgedBytes) break;
  }
  return events;
}
