/**
 * Writes that come in slices, so that a large file is not at the mercy of one connection. Owns how far each
 * has come and its running SHA-256. Must never put a file in its place before both are right.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { BeginUploadRequest, FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import type { FileSystem } from './file-system.ts';
import type { HelperRun } from './helper-run.ts';
import { pour } from './pour.ts';
import { refuseOther } from './write-file.ts';

/** Each holds a process and its space on the disk. */
const MAX_UPLOADS = 4;
const SILENCE_MS = 15 * 60_000;

interface Upload {
  readonly request: BeginUploadRequest;
  readonly run: HelperRun;
  readonly hash: Hash;
  offset: number;
  isBusy: boolean;
  finished: Promise<FileEntry> | undefined;
  timer: NodeJS.Timeout;
}

export class Uploads {
  readonly #files: FileSystem;
  readonly #uploads = new Map<string, Upload>();

  constructor(files: FileSystem) {
    this.#files = files;
  }

  /** Where the next slice begins. */
  async begin(request: BeginUploadRequest): Promise<number> {
    const known = this.#uploads.get(request.uploadId);
    if (known) return this.#same(known, request).offset;
    const open = [...this.#uploads.values()].filter(({ finished }) => !finished);
    if (open.length >= MAX_UPLOADS)
      throw new AppError(
        'RATE_LIMITED',
        `${MAX_UPLOADS} uploads into this sandbox are under way, the most at a time: ask again`,
        { retryAfterSeconds: 5 },
      );
    const { path, sizeBytes, uploadId } = request;
    const run = this.#files.write({ path, sizeBytes, condition: '' });
    const timer = setTimeout(() => this.#forget(uploadId), SILENCE_MS).unref();
    const hash = createHash('sha256');
    const upload = { request, run, hash, offset: 0, isBusy: false, finished: undefined, timer };
    this.#uploads.set(uploadId, upload);
    await run.answer().catch((error: unknown) => {
      this.#forget(uploadId);
      throw error;
    });
    return 0;
  }

  /** Where the slice after this one begins; what came of a slice that was cut is kept. */
  async append(id: string, offset: number, slice: IncomingMessage): Promise<number> {
    const upload = this.#get(id);
    const announced = Number(slice.headers['content-length'] ?? Number.NaN);
    if (upload.isBusy || upload.finished || offset !== upload.offset)
      throw new AppError('INVALID_SANDBOX_STATE', 'offset: is not where this upload stands', {
        details: { field: 'offset', value: offset, allowed: upload.offset },
      });
    if (!(offset + announced <= upload.request.sizeBytes))
      throw new AppError('VALIDATION_ERROR', 'content-length: must be given, within the size', {
        details: { field: 'content-length', allowed: upload.request.sizeBytes - offset },
      });
    upload.isBusy = true;
    try {
      await pour(slice, upload.run.input, (chunk) => {
        upload.hash.update(chunk);
        upload.offset += chunk.length;
      });
    } finally {
      upload.isBusy = false;
      upload.timer.refresh();
    }
    // A helper that takes no more says why; the file cannot be whole any more.
    if (upload.offset < offset + announced) await this.#failed(id, upload);
    return upload.offset;
  }

  async finish(id: string): Promise<FileEntry> {
    const upload = this.#get(id);
    const { request, offset, hash, run } = upload;
    if (upload.isBusy || offset !== request.sizeBytes)
      throw new AppError('INVALID_SANDBOX_STATE', `offset: ${offset} bytes have come so far`, {
        details: { field: 'offset', value: offset, allowed: request.sizeBytes },
      });
    upload.timer.refresh();
    upload.finished ??= (async () => {
      refuseOther(request.sha256, hash.digest('hex'));
      run.commit();
      return run.entry();
    })().catch((error: unknown) => {
      this.#forget(id);
      throw error;
    });
    return upload.finished;
  }

  #get(id: string): Upload {
    const upload = this.#uploads.get(id);
    if (upload) return upload;
    throw new AppError('NOT_FOUND', 'there is no such upload: begin it again');
  }

  #same(known: Upload, request: BeginUploadRequest): Upload {
    const { path, sizeBytes, sha256 } = known.request;
    if (path === request.path && sizeBytes === request.sizeBytes && sha256 === request.sha256)
      return known;
    throw new AppError('INVALID_SANDBOX_STATE', 'this upload was begun with another body');
  }

  async #failed(id: string, upload: Upload): Promise<never> {
    try {
      await upload.run.answer();
      throw new Error('a helper took no more, and no reason for it');
    } finally {
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    const upload = this.#uploads.get(id);
    this.#uploads.delete(id);
    clearTimeout(upload?.timer);
    upload?.run[Symbol.dispose]();
  }
}
