/**
 * Takes a file's bytes of which nobody knows the size yet, and puts the file in its place once they are
 * whole. Must never leave half a file where one was.
 */
import type { FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import type { FileSystem } from './file-system.ts';
import type { HelperRun } from './helper-run.ts';

export class FileDraft implements Disposable {
  readonly #run: HelperRun;
  #sizeBytes = 0;

  private constructor(run: HelperRun) {
    this.#run = run;
  }

  static async open(files: FileSystem, path: string): Promise<FileDraft> {
    const draft = new FileDraft(files.writeParts(path));
    try {
      await draft.#run.answer();
      return draft;
    } catch (error) {
      draft[Symbol.dispose]();
      throw error;
    }
  }

  /** At the helper's pace. A helper that takes no more says why at {@link commit}. */
  async write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > LIMITS.fileBytes)
      throw new AppError('FILE_TOO_LARGE', `body: must be at most ${LIMITS.fileBytes} bytes`, {
        details: { field: 'body', allowed: LIMITS.fileBytes },
      });
    const { input } = this.#run;
    if (input.destroyed) return;
    this.#run.send([String(bytes.length)]);
    if (!input.write(bytes)) await drained(input);
  }

  async commit(): Promise<FileEntry> {
    this.#run.send(['0']);
    this.#run.commit();
    return await this.#run.entry();
  }

  [Symbol.dispose](): void {
    this.#run[Symbol.dispose]();
  }
}

function drained(input: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      input.off('drain', settle).off('close', settle);
      resolve();
    };
    input.on('drain', settle).on('close', settle);
  });
}
