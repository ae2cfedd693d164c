/**
 * Reads a spool from any place on, following it until it ends. Must never hold up the writer or
 * other readers, and keeps no more in memory than one chunk.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Spool } from './spool.ts';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * A line may come in several pieces; `silence` comes between whole lines only. What `read` answers
 * is good until the next `read`.
 */
export class SpoolReader {
  readonly #spool: Spool;
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  /** The line to hand out next. */
  #seq: number;
  /** Where it, or the rest of it, stands in the file. */
  #offset: number | undefined;
  #file: FileHandle | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(spool: Spool, after: number) {
    this.#spool = spool;
    this.#seq = after + 1;
  }

  /** The next bytes; `silence` after `waitMs` without any. */
  async read(waitMs: number): Promise<Buffer | 'silence' | 'end' | 'gone'> {
    for (;;) {
      if (this.#closed || this.#spool.removed) return 'gone';
      const { fileLines, memory } = this.#spool.layout;
      if (this.#seq <= fileLines) return this.#readFile();
      const next = memory.slice(this.#seq - fileLines - 1);
      if (next.length > 0) {
        this.#seq += next.length;
        this.#offset = undefined;
        return next.length === 1 && next[0] ? next[0] : Buffer.concat(next);
      }
      if (this.#spool.ended) return 'end';
      if (!(await this.#changed(waitMs))) return 'silence';
    }
  }

  /** Whoever reads gets `gone` next. */
  stop(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.stop();
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #readFile(): Promise<Buffer> {
    this.#file ??= await open(this.#spool.path, 'r');
    if (this.#offset === undefined) await this.#seek();
    const offset = this.#offset ?? 0;
    const wanted = Math.min(this.#buffer.length, this.#spool.layout.fileBytes - offset);
    const { bytesRead } = await this.#file.read(this.#buffer, 0, wanted, offset);
    const bytes = this.#buffer.subarray(0, bytesRead);
    this.#offset = offset + bytesRead;
    this.#seq += countLines(bytes);
    return bytes;
  }

  /** From the checkpoint to the line itself. */
  async #seek(): Promise<void> {
    let { seq, offset } = this.#spool.checkpointBefore(this.#seq);
    while (seq < this.#seq && this.#file) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, offset);
      if (bytesRead === 0) throw new Error('the spool is shorter than its index');
      const chunk = this.#buffer.subarray(0, bytesRead);
      let from = 0;
      while (seq < this.#seq) {
        const end = chunk.indexOf(NEWLINE, from);
        if (end < 0) break;
        from = end + 1;
        seq += 1;
      }
      offset += seq === this.#seq ? from : bytesRead;
    }
    this.#offset = offset;
  }

  #changed(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (changed: boolean) => {
        clearTimeout(timer);
        forget();
        this.#wake = undefined;
        resolve(changed);
      };
      const timer = setTimeout(() => settle(false), waitMs);
      const forget = this.#spool.onChange(() => settle(true));
      this.#wake = () => settle(true);
    });
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}
