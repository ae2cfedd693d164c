/**
 * What has come for one execution and was not read yet. It acknowledges only what its reader has
 * taken, so that a slow one holds a bounded part and the server keeps the rest.
 */
import { SOCKET_LIMITS } from '../../../../../contract/socket/limits.ts';
import { Cut } from '../../events/cut.ts';
import type { Timing } from '../timing.ts';

/** How an inbox tells the server where its reader is. */
export interface Upstream {
  acknowledge(seq: number): void;
  /** The server waits: send what follows. */
  more(after: number): Promise<void>;
  /** Its reader has left; `early` with events still to come. */
  left(early: boolean): void;
}

interface Batch {
  readonly values: readonly unknown[];
  readonly lastSeq: number;
  readonly last: boolean;
  readonly sizeBytes: number;
}

/** An ack is due each 64 KiB: half of it leaves the server room to go on meanwhile. */
const ACK_BYTES = 32 * 1024;
/** The server sends 256 KiB ahead and what it sends again; more is against the agreement. */
const MAX_BYTES = 4 * SOCKET_LIMITS.unacknowledgedBytes;

export class Inbox {
  readonly #upstream: Upstream;
  readonly #timing: Timing;
  readonly #batches: Batch[] = [];
  #heldBytes = 0;
  /** Seq of the last event that came, so that one that is sent again is not held twice. */
  #cameSeq: number;
  #takenSeq: number;
  #ackedSeq: number;
  #unackedBytes = 0;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #waits: 'socket' | 'rest' | undefined;
  #alive = false;
  #end: Error | undefined;
  #wake: () => void = () => {};

  constructor(upstream: Upstream, after: number, timing: Timing) {
    this.#upstream = upstream;
    this.#timing = timing;
    this.#cameSeq = after;
    this.#takenSeq = after;
    this.#ackedSeq = after;
  }

  /** Bytes that wait for the reader. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  deliver(events: readonly unknown[], sizeBytes: number): void {
    const values = events.filter((event) => seqOf(event) > this.#cameSeq);
    const last = values.at(-1);
    if (last === undefined) return;
    if (this.#heldBytes + sizeBytes > MAX_BYTES) {
      return this.end(new Cut('broken', 'more came than was acknowledged'));
    }
    this.#cameSeq = seqOf(last);
    this.#heldBytes += sizeBytes;
    this.#batches.push(batchOf(values, sizeBytes));
    this.#wake();
  }

  /** The server sends nothing more until it is asked. */
  waits(via: 'socket' | 'rest'): void {
    this.#waits = via;
    this.#wake();
  }

  /** All was sent, up to this seq. */
  complete(lastSeq: number): void {
    if (lastSeq > this.#cameSeq) this.waits('socket');
  }

  /** The execution runs, and has nothing to say. */
  alive(): void {
    this.#alive = true;
    this.#wake();
  }

  /** Nothing more comes; what came is still handed out. */
  end(reason: Error): void {
    this.#end ??= reason;
    this.#wake();
  }

  /**
   * What came, message by message, an empty batch for a sign of life. Ends only by a Cut or an error.
   * @param readByRest reads on where the next event is too large for a message; answers the new cursor
   */
  async *batches(
    readByRest: (after: number) => Promise<readonly unknown[]>,
  ): AsyncGenerator<readonly unknown[], never> {
    let current: Batch | undefined;
    try {
      for (;;) {
        current = this.#batches.shift();
        if (!current && this.#end) throw this.#end;
        if (!current && this.#waits === 'rest') current = batchOf(await readByRest(this.#takenSeq));
        if (current) {
          yield current.values;
          this.#taken(current);
        }
        if (this.#batches.length > 0) continue;
        if (this.#waits) await this.#askForMore();
        else if (await this.#signOfLife()) yield [];
      }
    } finally {
      this.#leave(current);
    }
  }

  #taken({ lastSeq, sizeBytes }: Batch): void {
    this.#takenSeq = Math.max(this.#takenSeq, lastSeq);
    this.#cameSeq = Math.max(this.#cameSeq, lastSeq);
    this.#heldBytes -= sizeBytes;
    this.#unackedBytes += sizeBytes;
    if (this.#unackedBytes >= ACK_BYTES) this.#acknowledge();
    else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), this.#timing.ackMs);
  }

  #acknowledge(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#unackedBytes = 0;
    if (this.#end || this.#takenSeq <= this.#ackedSeq) return;
    this.#ackedSeq = this.#takenSeq;
    this.#upstream.acknowledge(this.#takenSeq);
  }

  async #askForMore(): Promise<void> {
    this.#waits = undefined;
    this.#ackedSeq = this.#takenSeq;
    await this.#upstream.more(this.#takenSeq);
  }

  /**
   * True for one, false where something else is to be done. The relay is heard every 30 s: silence
   * of an execution is a cut, though the connection stands.
   */
  async #signOfLife(): Promise<boolean> {
    if (!this.#alive && !this.#end) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Cut('silent', 'nothing was heard of the execution')),
          this.#timing.socketSilenceMs * 2,
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const alive = this.#alive;
    this.#alive = false;
    return alive;
  }

  #leave(current: Batch | undefined): void {
    // A reader that has `finished` leaves in the middle of the batch that ends with it.
    const done = current?.last === true;
    if (done) this.#takenSeq = current.lastSeq;
    this.#acknowledge();
    this.#batches.length = 0;
    this.#upstream.left(!done && this.#end === undefined);
  }
}

const batchOf = (values: readonly unknown[], sizeBytes = 0): Batch => ({
  values,
  lastSeq: seqOf(values.at(-1)),
  last: isFinished(values.at(-1)),
  sizeBytes,
});

function seqOf(event: unknown): number {
  const seq = (event as { seq?: unknown } | null)?.seq;
  return typeof seq === 'number' ? seq : 0;
}

const isFinished = (event: unknown): boolean =>
  (event as { type?: unknown } | undefined)?.type === 'finished';
