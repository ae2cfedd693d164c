/**
 * The folder of spools and the room they share: finished ones go, oldest first, when a running one
 * needs theirs. Must never remove the spool of an execution that runs.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Spool, type SpoolOptions } from './spool.ts';

export class SpoolStore {
  readonly directory: string;
  readonly #maxBytes: number;
  readonly #finished = new Set<Spool>();
  #totalBytes = 0;

  private constructor(directory: string, maxBytes: number) {
    this.directory = directory;
    this.#maxBytes = maxBytes;
  }

  static async open(directory: string, maxBytes: number): Promise<SpoolStore> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // An agent lives once; what stands here is of one that did not end well.
    for (const name of await readdir(directory)) {
      if (name.endsWith('.ndjson')) await rm(join(directory, name), { force: true });
    }
    return new SpoolStore(directory, maxBytes);
  }

  create(options: Omit<SpoolOptions, 'path'>): Spool {
    return new Spool({ ...options, path: join(this.directory, `${randomUUID()}.ndjson`) });
  }

  /** Makes room for a line; false when what runs fills all but `leftBytes`, or all but half of it. */
  reserve(sizeBytes: number, leftBytes = 0): boolean {
    const maxBytes = this.#maxBytes - Math.min(leftBytes, this.#maxBytes / 2);
    for (const spool of this.#finished) {
      if (this.#totalBytes + sizeBytes <= maxBytes) break;
      void this.remove(spool);
    }
    return this.#totalBytes + sizeBytes <= maxBytes;
  }

  /** A line was appended. */
  count(sizeBytes: number): void {
    this.#totalBytes += sizeBytes;
  }

  /** From now on it may be removed for others' sake. */
  finish(spool: Spool): void {
    this.#finished.add(spool);
  }

  async remove(spool: Spool): Promise<void> {
    this.#finished.delete(spool);
    if (spool.removed) return;
    this.#totalBytes -= spool.sizeBytes;
    await spool.remove();
  }
}
