/** The files of one sandbox: small ones in one request, large ones by way of the deployment's bucket. */
import type { FileEntry } from '../../../../contract/agent/files.ts';
import { LIMITS } from '../../../../contract/limits.ts';
import { CodeInterpreterError } from '../errors.ts';
import { type Paged, paged } from '../paged.ts';
import type { Api } from '../transport/http.ts';
import { call } from '../transport/retry.ts';
import { download } from './download.ts';
import type { TransferOptions } from './options.ts';
import { blobOf, type FileData } from './source.ts';
import { upload } from './upload.ts';
import { type FileChange, type FileWatch, type WatchOptions, watch } from './watch.ts';

/**
 * Files of a sandbox. Relative paths start in its workspace, `/home/user`; absolute ones must lie in it
 * or in `/tmp`. Everything is done with the rights of the code that runs there.
 *
 * @example
 * ```ts
 * await sandbox.files.write('data/in.csv', 'a,b\n1,2\n');
 * await sandbox.execute('import pandas; pandas.read_csv("data/in.csv").to_json("out.json")');
 * console.log(await sandbox.files.readText('out.json'));
 * ```
 */
export class Files {
  readonly #api: Api;
  readonly #params: { readonly sandboxId: string };

  /** @internal */
  constructor(api: Api, sandboxId: string) {
    this.#api = api;
    this.#params = { sandboxId };
  }

  /**
   * Reads a whole file into memory.
   *
   * @throws {@link CodeInterpreterError} `FILE_NOT_FOUND`, `VALIDATION_ERROR` for what is no file
   */
  async read(path: string, options: TransferOptions = {}): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    await this.receive(path, options, (bytes) => chunks.push(bytes));
    if (chunks.length === 1 && chunks[0]) return chunks[0];
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  /**
   * Tells what changes in a directory from now on, each change once and in order. A callback that answers a
   * promise is waited for.
   *
   * @throws {@link CodeInterpreterError} `FILE_NOT_FOUND`, `RESOURCE_LIMIT_ERROR` where 16 are watched already or there
   *   are more than 512 directories
   *
   * @example
   * ```ts
   * await using watch = await sandbox.files.watch('data', ({ type, path }) => console.log(type, path));
   * await sandbox.execute('open("data/out.csv", "w").write("1")');
   * ```
   */
  watch(
    path: string,
    onChange: (change: FileChange) => unknown,
    options: WatchOptions = {},
  ): Promise<FileWatch> {
    return watch(this.#api, { ...this.#params, path, onChange }, options);
  }

  /** {@link read}, as UTF-8. */
  async readText(path: string, options: TransferOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  /**
   * Writes a file, whole or not at all, with the directories that it lies in. A string is its text.
   *
   * @throws {@link CodeInterpreterError} `VALIDATION_ERROR` for a path that cannot be written,
   *   `RESOURCE_LIMIT_ERROR` when the sandbox's disk is full
   */
  async write(
    path: string,
    data: string | FileData,
    options: TransferOptions = {},
  ): Promise<FileEntry> {
    return this.send(
      path,
      typeof data === 'string' ? new Blob([data]) : await blobOf(data),
      options,
    );
  }

  /**
   * Lists a directory in the order of its paths.
   *
   * @param path the workspace where none is given
   */
  list(path = '.', { depth = 1 }: { depth?: number } = {}): Paged<FileEntry> {
    return paged(
      (query) =>
        call(this.#api, 'listFiles', { params: this.#params, query: { path, depth, ...query } }),
      (entry) => entry,
    );
  }

  /** What a name is; a link is not followed. */
  stat(path: string): Promise<FileEntry> {
    return call(this.#api, 'statFile', { params: this.#params, query: { path } });
  }

  /** Makes a directory and what is missing above it; one that is there is no error. */
  mkdir(path: string): Promise<FileEntry> {
    return call(this.#api, 'makeDirectory', { params: this.#params, body: { path } });
  }

  /** Moves a file or directory; over another only with `overwrite`. */
  move(
    from: string,
    to: string,
    { overwrite = false }: { overwrite?: boolean } = {},
  ): Promise<FileEntry> {
    return call(this.#api, 'moveFile', { params: this.#params, body: { from, to, overwrite } });
  }

  /** Deletes a file, a link or an empty directory; with `recursive` a directory with all in it. */
  async delete(path: string, { recursive = false }: { recursive?: boolean } = {}): Promise<void> {
    const query = { path, recursive: String(recursive) };
    await call(this.#api, 'deleteFile', { params: this.#params, query });
  }

  /** @internal */
  async send(path: string, blob: Blob, options: TransferOptions): Promise<FileEntry> {
    const target = { ...this.#params, path };
    if (blob.size > LIMITS.fileRequestBytes) return upload(this.#api, target, blob, options);
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const { signal } = options;
    const put = { params: this.#params, query: { path }, body: bytes, signal };
    const entry = await call(this.#api, 'writeFile', put);
    options.onProgress?.({ step: 'sending', doneBytes: blob.size, totalBytes: blob.size });
    return entry;
  }

  /** @internal Small files answer at once; the server says when one is too large for that. */
  async receive(
    path: string,
    options: TransferOptions,
    take: (bytes: Uint8Array) => unknown,
  ): Promise<void> {
    const { signal } = options;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await call(this.#api, 'readFile', { params: this.#params, query: { path }, signal });
    } catch (error) {
      if (!(error instanceof CodeInterpreterError && error.code === 'FILE_TOO_LARGE')) throw error;
    }
    if (!bytes) return download(this.#api, { ...this.#params, path }, options, take);
    await take(bytes);
    options.onProgress?.({
      step: 'receiving',
      doneBytes: bytes.length,
      totalBytes: bytes.length,
    });
  }
}
