/**
 * One run of code as its readers see it: queued, running, finished, and its events. Owns the
 * numbering, the output cap and the spool; must never emit anything after `finished`.
 */
import type { EventOf, ExecutionErrorInfo, Metrics, Outcome } from '../../../contract/events.ts';
import type { ExecutionId } from '../../../contract/ids.ts';
import type { FileChange } from '../files/helper-run.ts';
import type { ResultFrame } from '../kernels/frames.ts';
import { OutputBudget } from '../output/budget.ts';
import { OutputCoalescer, type OutputStream } from '../output/coalescer.ts';
import { headOnBoundary, type Piece } from '../output/pieces.ts';
import type { EventBody } from './event-body.ts';
import type { LiveStdin } from './live-stdin.ts';
import type { Spool } from './spool.ts';
import type { SpoolStore } from './spool-store.ts';
import { boundBundle, boundError } from './values.ts';

/** What an event's line has around its content: number, time, names. */
const ENVELOPE_BYTES = 128;

type LimitName = EventOf<'limit'>['limit'];

export type ExecutionStatus = 'queued' | 'running' | 'finished';

export interface ExecutionEnd {
  readonly outcome: Outcome;
  readonly exitCode: number | null;
  readonly signal?: string;
  readonly metrics: Metrics;
}

export interface ExecutionOptions {
  readonly id: ExecutionId;
  /** Where more of it may come while the code runs. */
  readonly stdin?: LiveStdin;
  readonly store: SpoolStore;
  readonly outputBytes: number;
  readonly graceBytes: number;
  /** Of the store's room, for others. */
  readonly leftBytes?: number;
  readonly onSpoolFailure: (error: unknown) => void;
}

export class Execution {
  readonly id: ExecutionId;
  readonly stdin: LiveStdin | undefined;
  readonly spool: Spool;
  /** The code outruns the disk: whoever feeds this should wait. */
  onBacklog: (full: boolean) => void = () => undefined;
  /** Once a reader has seen the end, or the spool is gone. */
  readonly read: Promise<void>;
  readonly #resolveRead: () => void;
  #isRead = false;
  readonly #store: SpoolStore;
  readonly #outputBytes: number;
  readonly #leftBytes: number;
  readonly #budget: OutputBudget;
  readonly #coalescer: OutputCoalescer;
  #status: ExecutionStatus = 'queued';
  #seq = 0;
  #hasError = false;
  #limitHit: LimitName | undefined;

  constructor(options: ExecutionOptions) {
    const { id, store, outputBytes, graceBytes } = options;
    this.id = id;
    this.stdin = options.stdin;
    this.#store = store;
    this.#outputBytes = outputBytes;
    this.#leftBytes = options.leftBytes ?? 0;
    this.#budget = new OutputBudget({ capBytes: outputBytes, graceBytes });
    this.#coalescer = new OutputCoalescer((stream, piece) => this.#keepPiece(stream, piece));
    this.spool = store.create({
      onFailure: (error) => {
        this.#hitCap(this.#budget.usedBytes);
        options.onSpoolFailure(error);
      },
      onBacklog: (full) => this.onBacklog(full),
    });
    const read = Promise.withResolvers<void>();
    this.read = read.promise;
    this.#resolveRead = read.resolve;
  }

  get status(): ExecutionStatus {
    return this.#status;
  }

  get isRead(): boolean {
    return this.#isRead;
  }

  noteRead(): void {
    this.#isRead = true;
    this.#resolveRead();
  }

  begin(): void {
    this.#status = 'running';
  }

  started(executionCount?: number): void {
    const count = executionCount === undefined ? {} : { executionCount };
    this.#append({ type: 'started', executionId: this.id, ...count });
  }

  output(stream: OutputStream, bytes: Buffer): void {
    if (this.#budget.capped) this.#budget.drop(bytes.length);
    else this.#coalescer.push(stream, bytes);
  }

  result(frame: ResultFrame): void {
    this.#coalescer.flush();
    const { main, displayId, update } = frame;
    const { data, sizeBytes } = boundBundle(frame.data);
    const chargedBytes = ENVELOPE_BYTES + jsonBytes(displayId ?? '') + sizeBytes;
    if (!this.#hasRoom(chargedBytes)) return;
    const { kept, crossed } = this.#budget.admitResult(chargedBytes);
    if (crossed) this.#limitEvent(this.#outputBytes);
    if (!kept) return;
    this.#append({
      type: 'result',
      main,
      ...(displayId === undefined ? {} : { displayId }),
      ...(update === undefined ? {} : { update }),
      data,
    });
  }

  error(info: ExecutionErrorInfo): void {
    this.#coalescer.flush();
    const bounded = boundError(info);
    const chargedBytes = ENVELOPE_BYTES + jsonBytes(bounded);
    // The first says why the code ended; it needs no room.
    if (this.#hasError && !this.#hasRoom(chargedBytes)) return;
    this.#hasError = true;
    const { kept, crossed } = this.#budget.admitError(chargedBytes);
    if (crossed) this.#limitEvent(this.#outputBytes);
    if (kept) this.#append({ type: 'error', ...bounded });
  }

  limit(limit: Exclude<LimitName, 'output'>, value: number): void {
    this.#coalescer.flush();
    this.#limitHit = limit;
    this.#append({ type: 'limit', limit, value });
  }

  /** Of a watch. False where there is no room for it. */
  change(change: FileChange, path: string): boolean {
    const sizeBytes = ENVELOPE_BYTES + jsonBytes(path);
    const { capped } = this.#budget;
    if (capped || this.#budget.room(sizeBytes) < sizeBytes) return false;
    if (!this.#append({ type: 'change', change, path }, true)) return false;
    this.#budget.keep(sizeBytes);
    return true;
  }

  /** Of a watch: it cannot tell all that changes any more. */
  loseChanges(): void {
    this.#append({ type: 'change', change: 'lost', path: '' });
  }

  finish(end: ExecutionEnd): void {
    if (this.#status === 'finished') return;
    this.#coalescer.end();
    if (this.#budget.droppedBytes > 0)
      this.#append({ type: 'truncated', droppedBytes: this.#budget.droppedBytes });
    const { metrics, ...rest } = end;
    const told = {
      ...metrics,
      ...(end.signal === undefined ? {} : { signal: end.signal }),
      ...(this.#limitHit === undefined ? {} : { limit: this.#limitHit }),
    };
    this.#append({ type: 'finished', ...rest, metrics: told });
    this.#status = 'finished';
    this.stdin?.end();
    this.spool.end();
    this.#store.finish(this.spool);
  }

  #keepPiece(stream: OutputStream, piece: Piece): void {
    const room = this.#budget.room(piece.sizeBytes);
    const kept = room === piece.sizeBytes ? piece : headOf(piece, room);
    if (kept.sizeBytes > 0) {
      const { sizeBytes, ...form } = kept;
      if (!this.#append({ type: stream, ...form }, true)) {
        this.#hitCap(this.#budget.usedBytes);
        this.#budget.drop(piece.sizeBytes);
        return;
      }
      this.#budget.keep(sizeBytes);
    }
    this.#budget.drop(piece.sizeBytes - kept.sizeBytes);
    if (kept.sizeBytes < piece.sizeBytes) this.#hitCap(this.#outputBytes);
  }

  /** Where the spool is full, this is dropped and so is all output from here on. */
  #hasRoom(sizeBytes: number): boolean {
    if (this.#store.reserve(sizeBytes, this.#leftBytes)) return true;
    this.#hitCap(this.#budget.usedBytes);
    this.#budget.drop(sizeBytes);
    return false;
  }

  #hitCap(keptBytes: number): void {
    if (this.#budget.capped || this.#status === 'finished') return;
    this.#budget.cap();
    this.#limitEvent(keptBytes);
  }

  #limitEvent(value: number): void {
    // Any other ends the code, and this one does not.
    this.#limitHit ??= 'output';
    this.#append({ type: 'limit', limit: 'output', value });
  }

  /** False where a line that may be given up found no room. */
  #append(body: EventBody, optional = false): boolean {
    if (this.#status === 'finished') return false;
    const line = JSON.stringify({ seq: this.#seq + 1, at: new Date().toISOString(), ...body });
    const hasRoom = this.#store.reserve(Buffer.byteLength(line), this.#leftBytes);
    if (!hasRoom && optional) return false;
    this.#seq += 1;
    this.#store.count(this.spool.append(line));
    return true;
  }
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function headOf(piece: Piece, room: number): Piece {
  const form = 'text' in piece ? Buffer.from(piece.text) : Buffer.from(piece.base64, 'base64');
  if (!('text' in piece)) {
    const head = form.subarray(0, room);
    return { base64: head.toString('base64'), sizeBytes: head.length };
  }
  const head = headOnBoundary(form, room);
  return { text: head.toString('utf8'), sizeBytes: head.length };
}
