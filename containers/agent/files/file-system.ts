/**
 * The files of the sandbox as its caller may see them. Owns how many operations run at once and which
 * names are looked at at all. Must never touch a file itself: the helper does, with the rights of user code.
 */
import { join } from 'node:path';
import type { FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Command } from '../processes/user-process.ts';
import { HelperRun } from './helper-run.ts';

/** Each is a process. */
const MAX_RUNNING = 16;
/** These last. */
const MAX_WATCHES = 16;

type Operation =
  | 'read'
  | 'write'
  | 'write-parts'
  | 'watch'
  | 'list'
  | 'stat'
  | 'mkdir'
  | 'move'
  | 'remove';

export interface FileSystemOptions {
  /** Where relative paths start. */
  readonly workspace: string;
  /** Beside the workspace. */
  readonly scratch: string;
  /** The helper's program, up to the operation. */
  readonly helper: Command;
}

export interface ListRequest {
  readonly path: string;
  readonly depth: number;
  readonly limit: number;
  readonly after?: string | undefined;
}

export interface WriteRequest {
  readonly path: string;
  readonly sizeBytes: number;
  /** The version that must stand there, `*` for any, `-` for nothing; empty for no condition. */
  readonly condition: string;
}

export class FileSystem {
  readonly #options: FileSystemOptions;
  #running = 0;
  #watches = 0;

  constructor(options: FileSystemOptions) {
    this.#options = options;
  }

  get workspace(): string {
    return this.#options.workspace;
  }

  async stat(path: string): Promise<FileEntry> {
    using run = this.#start('stat', [this.#resolve('path', path)]);
    return await run.entry();
  }

  async makeDirectory(path: string): Promise<FileEntry> {
    using run = this.#start('mkdir', [this.#resolve('path', path)]);
    return await run.entry();
  }

  async move(from: string, to: string, overwrite: boolean): Promise<FileEntry> {
    const paths = [this.#resolve('from', from), this.#resolve('to', to)];
    using run = this.#start('move', [...paths, overwrite ? '1' : '0']);
    return await run.entry();
  }

  async remove(path: string, recursive: boolean): Promise<void> {
    using run = this.#start('remove', [this.#resolve('path', path), recursive ? '1' : '0']);
    await run.answer();
  }

  /** A page, in the order of paths. */
  async list(request: ListRequest): Promise<{ items: FileEntry[]; nextAfter: string | null }> {
    const path = this.#resolve('path', request.path);
    const after = Buffer.from(request.after ?? '', 'base64url');
    if (after.includes(0) || after.length > MAX_AFTER_BYTES) throw badCursor();
    const bounds = [String(request.depth), String(request.limit)];
    using run = this.#start('list', [path, ...bounds, after]);
    const items: FileEntry[] = [];
    let last: Buffer | undefined;
    for (;;) {
      const answer = await run.answer();
      if (answer.kind === 'entry' && items.length < request.limit) {
        items.push({ ...answer.entry, path: join(path, answer.entry.path) });
        last = answer.rawPath;
        continue;
      }
      if (answer.kind !== 'end') throw new Error('the files helper said more than was asked');
      return { items, nextAfter: (answer.more && last?.toString('base64url')) || null };
    }
  }

  /** A run whose first answer is the file's entry. */
  read(path: string): HelperRun {
    return this.#start('read', [this.#resolve('path', path)]);
  }

  /** A run whose first answer is `ready`, and whose last, after its commit, the file's entry. */
  write({ path, sizeBytes, condition }: WriteRequest): HelperRun {
    return this.#start('write', [this.#resolve('path', path), String(sizeBytes), condition]);
  }

  /** As {@link write}, where nobody knows the size yet: each part goes after its own, and 0 after the last. */
  writeParts(path: string): HelperRun {
    return this.#start('write-parts', [this.#resolve('path', path), '']);
  }

  /** A run that says `ready`, then each change below the directory. It lasts until it is disposed of. */
  watch(path: string, recursive: boolean): HelperRun {
    if (this.#watches >= MAX_WATCHES)
      throw new AppError(
        'RESOURCE_LIMIT_ERROR',
        `${MAX_WATCHES} directories are watched in this sandbox, the most at a time: stop one`,
        { retryAfterSeconds: 1 },
      );
    const fields = [this.#resolve('path', path), recursive ? '1' : '0'];
    const run = this.#run('watch', fields);
    this.#watches += 1;
    void run.exited.then(() => {
      this.#watches -= 1;
    });
    return run;
  }

  #start(operation: Operation, fields: readonly (string | Buffer)[]): HelperRun {
    if (this.#running >= MAX_RUNNING)
      throw new AppError(
        'RATE_LIMITED',
        `${MAX_RUNNING} file operations run in this sandbox, the most at a time: ask again`,
        { retryAfterSeconds: 1 },
      );
    const run = this.#run(operation, fields);
    this.#running += 1;
    void run.exited.then(() => {
      this.#running -= 1;
    });
    return run;
  }

  #run(operation: Operation, fields: readonly (string | Buffer)[]): HelperRun {
    const { helper, workspace, scratch } = this.#options;
    return new HelperRun([...helper, operation, workspace, scratch], fields);
  }

  /** By name only; where the file really lies is the helper's to judge. */
  #resolve(field: string, path: string): string {
    const { workspace, scratch } = this.#options;
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    if (!path.startsWith('/')) return [workspace, ...names].join('/');
    const absolute = `/${names.join('/')}`;
    if ([workspace, scratch].some((root) => absolute === root || absolute.startsWith(`${root}/`)))
      return absolute;
    throw new AppError('VALIDATION_ERROR', `${field}: must be ${PLACES}`, {
      details: { field, allowed: PLACES },
    });
  }
}

const PLACES = 'relative to the workspace, or absolute in it or in /tmp';
const MAX_AFTER_BYTES = 6 * 1024;

const badCursor = () =>
  new AppError('VALIDATION_ERROR', 'after: must be the nextAfter of an earlier page', {
    details: { field: 'after', allowed: 'the nextAfter of an earlier page' },
  });
