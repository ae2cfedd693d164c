/**
 * The stdin of one execution while it runs: numbered parts, in whatever order they come, handed on in
 * theirs and as fast as the kernel takes them. Owns what waits, and bounds it. Must never hand on a
 * part twice, nor anything after the last one.
 */
import type { StdinPart } from '../../../contract/agent/protocol.ts';
import { AppError, type ErrorCode, type ErrorDetails } from '../../../contract/errors.ts';
import type { ExecutionId } from '../../../contract/ids.ts';
import { LIMITS } from '../../../contract/limits.ts';

/** So much of it travels to the kernel at once. */
const CHUNK_CHARS = 16 * 1024;
/** A part without text takes room too. */
const PART_BYTES = 64;
/** What waits for a gap leaves room for the part that closes it. */
const AHEAD_BYTES = LIMITS.stdinWaitingBytes - LIMITS.stdinBytes - PART_BYTES;

/** False where it takes no more until {@link LiveStdin.pump}. */
export type StdinSink = (text: string, close: boolean) => boolean;

export class LiveStdin {
  readonly #id: ExecutionId;
  #sink: StdinSink | undefined;
  /** In order and not yet handed on. */
  #ready: Pick<StdinPart, 'text' | 'close'>[] = [];
  /** Of the first of them this much has been handed on. */
  #at = 0;
  /** Wait for one before them. */
  readonly #ahead = new Map<number, StdinPart>();
  #waitingBytes = 0;
  #nextSeq = 1;
  #lastSeq = Number.POSITIVE_INFINITY;

  /** `first` comes before all parts. */
  constructor(id: ExecutionId, first = '') {
    this.#id = id;
    if (first === '') return;
    this.#ready.push({ text: first });
    this.#waitingBytes = sizeOf(first);
  }

  /** The lowest number that has not come yet. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Answers the number of the next part that is wanted. One that is known already changes nothing. */
  write(part: StdinPart): number {
    const { seq, text, close = false } = part;
    if (seq < this.#nextSeq || this.#ahead.has(seq)) return this.#nextSeq;
    this.#refuseAfterLast(part);
    this.#refuseTooMuch(part);
    if (close) this.#lastSeq = seq;
    this.#waitingBytes += sizeOf(text);
    this.#ahead.set(seq, part);
    for (let next = this.#take(); next !== undefined; next = this.#take()) this.#ready.push(next);
    this.pump();
    return this.#nextSeq;
  }

  /** From when the code begins: nothing is given to a kernel that may die before it. */
  connect(sink: StdinSink): void {
    this.#sink = sink;
    this.pump();
  }

  /** Hands on until the kernel is behind. */
  pump(): void {
    for (let part = this.#ready[0]; part !== undefined; part = this.#ready[0]) {
      const { text, close = false } = part;
      if (!this.#sink) return;
      const end = boundaryBefore(text, this.#at + CHUNK_CHARS);
      const isWhole = end >= text.length;
      const takesMore = this.#sink(text.slice(this.#at, end), isWhole && close);
      this.#at = isWhole ? 0 : end;
      if (isWhole) {
        this.#ready.shift();
        this.#waitingBytes -= sizeOf(text);
      }
      if (!takesMore) return;
    }
  }

  /** What nobody has read is dropped. */
  end(): void {
    this.#sink = undefined;
    this.#ready = [];
    this.#ahead.clear();
  }

  #take(): StdinPart | undefined {
    const part = this.#ahead.get(this.#nextSeq);
    if (!part) return undefined;
    this.#ahead.delete(this.#nextSeq);
    this.#nextSeq += 1;
    return part;
  }

  #refuseAfterLast({ seq, close = false }: StdinPart): void {
    if (seq > this.#lastSeq)
      throw this.#refusal('INVALID_SANDBOX_STATE', {
        why: `seq ${this.#lastSeq} closed it, so seq ${seq} cannot follow`,
        details: { field: 'seq', value: seq, maximum: this.#lastSeq },
      });
    const highest = Math.max(0, ...this.#ahead.keys());
    if (close && seq < highest)
      throw this.#refusal('INVALID_SANDBOX_STATE', {
        why: `seq ${seq} cannot close it, since seq ${highest} has been sent; close it with a later one`,
        details: { field: 'close', value: seq, minimum: highest + 1 },
      });
  }

  #refuseTooMuch({ seq, text }: StdinPart): void {
    const farthest = this.#nextSeq + LIMITS.stdinPartsAhead;
    if (seq > farthest)
      throw this.#refusal('RESOURCE_LIMIT_ERROR', {
        why: `seq ${seq} is too far ahead: ${this.#nextSeq} is next, and up to ${farthest} can wait for it; send ${this.#nextSeq} first`,
        details: { field: 'seq', value: seq, maximum: farthest },
      });
    const bytes = this.#waitingBytes + sizeOf(text);
    const allowed = seq === this.#nextSeq ? LIMITS.stdinWaitingBytes : AHEAD_BYTES;
    if (bytes > allowed)
      throw this.#refusal('RESOURCE_LIMIT_ERROR', {
        why: `with seq ${seq} there would wait ${bytes} bytes, ${allowed} are allowed; send it again once the code has read some (next is ${this.#nextSeq})`,
        details: { field: 'text', sizeBytes: bytes, allowed },
      });
  }

  #refusal(code: ErrorCode, { why, details }: { why: string; details: ErrorDetails }): AppError {
    return new AppError(code, `stdin of ${this.#id}: ${why}`, {
      details: { ...details, nextSeq: this.#nextSeq },
      ...(code === 'RESOURCE_LIMIT_ERROR' ? { retryAfterSeconds: 1 } : {}),
    });
  }
}

const sizeOf = (text: string): number => Buffer.byteLength(text) + PART_BYTES;

/** Never between the two halves of a character. */
function boundaryBefore(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
}
