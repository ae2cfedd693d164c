/**
 * The kept events of one execution: line n of the file is event n. Appending never waits for a
 * reader or the disk; what is not on disk yet stands in memory, and readers see both as one.
 * Small output that is fetched and deleted soon never touches the disk.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';

/** A write is due when this much waits, or after this time. */
const WRITE = { bytes: 64 * 1024, delayMs: 250 };
/** Above this the code waits for the disk; it resumes at half. */
export const BACKLOG_BYTES = 2 * 1024 * 1024;
const CHECKPOINT_BYTES = 64 * 1024;

interface Checkpoint {
  /** The number of the line that begins at `offset`. */
  readonly seq: number;
  readonly offset: number;
}

export interface SpoolOptions {
  readonly path: string;
  /** The disk refused: from here on lines stay in memory. */
  readonly onFailure: (error: unknown) => void;
  /** The backlog crossed its mark, upwards or down. */
  readonly onBacklog: (full: boolean) => void;
}

export class Spool {
  readonly path: string;
  readonly #options: SpoolOptions;
  readonly #waiting = new Set<() => void>();
  readonly #checkpoints: Checkpoint[] = [{ seq: 1, offset: 0 }];
  #memory: Buffer[] = [];
  #memoryBytes = 0;
  #fileLines = 0;
  #fileBytes = 0;
  #ended = false;
  #removed = false;
  #failed = false;
  #backlogged = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #writer: FileHandle | undefined;

  constructor(options: SpoolOptions) {
    this.path = options.path;
    this.#options = options;
  }

  get lastSeq(): number {
    return this.#fileLines + this.#memory.length;
  }

  get sizeBytes(): number {
    return this.#fileBytes + this.#memoryBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get removed(): boolean {
    return this.#removed;
  }

  /** The disk takes no more; only what must not be lost should be appended. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Lines that are not on disk yet and the file's length: a reader's map. */
  get layout(): { fileLines: number; fileBytes: number; memory: readonly Buffer[] } {
    return { fileLines: this.#fileLines, fileBytes: this.#fileBytes, memory: this.#memory };
  }

  /** Answers how many bytes the line takes. */
  append(line: string): number {
    if (this.#ended) throw new Error('a spool was written after its end');
    const bytes = Buffer.from(`${line}\n`);
    this.#memory.push(bytes);
    this.#memoryBytes += bytes.length;
    this.#wake();
    if (this.#memoryBytes >= WRITE.bytes) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), WRITE.delayMs).unref();
    this.#reportBacklog();
    return bytes.length;
  }

  /** The last line is there. */
  end(): void {
    this.#ended = true;
    this.#wake();
    if (!this.#writing && this.#memory.length === 0) void this.#closeWriter();
  }

  /** The nearest known line at or before `seq` that stands in the file. */
  checkpointBefore(seq: number): Checkpoint {
    let [low, high] = [0, this.#checkpoints.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#checkpoints[middle]?.seq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return this.#checkpoints[low] ?? { seq: 1, offset: 0 };
  }

  /** Calls back once at the next change; answers how to wait no longer. */
  onChange(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  async remove(): Promise<void> {
    this.#removed = true;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#memory = [];
    this.#memoryBytes = 0;
    this.#wake();
    await this.#writing;
    await this.#closeWriter();
    await rm(this.path, { force: true });
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#failed || this.#memory.length === 0) return;
    this.#writing = this.#writeAll()
      .catch((error: unknown) => {
        this.#failed = true;
        if (!this.#removed) this.#options.onFailure(error);
      })
      .finally(() => {
        this.#writing = undefined;
        this.#reportBacklog();
      });
  }

  async #writeAll(): Promise<void> {
    this.#writer ??= await open(this.path, 'wx', 0o600);
    while (this.#memory.length > 0) {
      const lines = this.#memory.slice();
      await writeFully(this.#writer, lines, this.#fileBytes);
      if (this.#removed) return;
      this.#memory = this.#memory.slice(lines.length);
      for (const line of lines) this.#onDisk(line.length);
      this.#reportBacklog();
    }
    if (this.#ended) await this.#closeWriter();
  }

  #onDisk(length: number): void {
    this.#fileLines += 1;
    this.#fileBytes += length;
    this.#memoryBytes -= length;
    const last = this.#checkpoints.at(-1)?.offset ?? 0;
    if (this.#fileBytes - last >= CHECKPOINT_BYTES)
      this.#checkpoints.push({ seq: this.#fileLines + 1, offset: this.#fileBytes });
  }

  async #closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close();
  }

  #reportBacklog(): void {
    const full = !this.#failed && this.#memoryBytes > BACKLOG_BYTES / (this.#backlogged ? 2 : 1);
    if (full === this.#backlogged) return;
    this.#backlogged = full;
    this.#options.onBacklog(full);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

async function writeFully(file: FileHandle, lines: Buffer[], position: number): Promise<void> {
  let done = 0;
  // The kernel takes 1,024 pieces in one call.
  for (let from = 0; from < lines.length; from += 1_024) {
    const some = lines.slice(from, from + 1_024);
    const size = some.reduce((sum, line) => sum + line.length, 0);
    const { bytesWritten } = await file.writev(some, position + done);
    // A full disk may take a part; what was taken is then not counted.
    if (bytesWritten < size) throw new Error('the disk is full');
    done += size;
  }
}
