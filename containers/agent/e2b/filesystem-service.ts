/** The E2B filesystem service, from the files of this sandbox: so the workspace and /tmp, with the rights of user code. */
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import type { FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import type { FileSystem } from '../files/file-system.ts';
import { type ConnectMethod, stream, unary } from './connect.ts';
import { ConnectError } from './connect-errors.ts';
import { project } from './file-entries.ts';
import { E2bPath } from './paths.ts';
import { WatchDirRequest, watchDir } from './watch.ts';

const PAGE = 500;
/** Of one answer; it has no pages. */
const MAX_ENTRIES = 20_000;

const PathRequest = z.object({ path: E2bPath });
const MoveRequest = z.object({ source: E2bPath, destination: E2bPath });
const ListRequest = z.object({
  path: E2bPath,
  /** 0 is left out on this wire, and means 1. */
  depth: z._default(z.int().check(z.minimum(0), z.maximum(LIMITS.listDepth)), 1),
});

export const FILESYSTEM_METHODS: Readonly<Record<string, ConnectMethod>> = {
  '/filesystem.Filesystem/Stat': unary(PathRequest, async ({ files }, { path }) => ({
    entry: project(await files.stat(path)),
  })),
  '/filesystem.Filesystem/MakeDir': unary(PathRequest, async ({ files, state }, { path }) => {
    state.refuseWhenDraining();
    const there = await statOf(files, path);
    if (there) throw new ConnectError('already_exists', `path: ${there.path} exists already`);
    return { entry: project(await files.makeDirectory(path)) };
  }),
  '/filesystem.Filesystem/Move': unary(MoveRequest, async ({ files, state }, request) => {
    state.refuseWhenDraining();
    const { source, destination } = request;
    await files.stat(source);
    await files.makeDirectory(dirname(destination));
    return { entry: project(await files.move(source, destination, true)) };
  }),
  '/filesystem.Filesystem/Remove': unary(PathRequest, async ({ files }, { path }) => {
    if (await statOf(files, path)) await files.remove(path, true);
    return {};
  }),
  '/filesystem.Filesystem/WatchDir': stream(WatchDirRequest, watchDir),
  '/filesystem.Filesystem/ListDir': unary(ListRequest, async ({ files }, { path, depth }) => ({
    entries: (await entriesOf(files, path, depth || 1)).map(project),
  })),
};

async function statOf(files: FileSystem, path: string): Promise<FileEntry | undefined> {
  return files.stat(path).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  });
}

async function entriesOf(files: FileSystem, path: string, depth: number): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  let after: string | undefined;
  do {
    const page = await files.list({ path, depth, limit: PAGE, after });
    entries.push(...page.items);
    after = page.nextAfter ?? undefined;
    if (entries.length > MAX_ENTRIES)
      throw new ConnectError(
        'resource_exhausted',
        `path: has over ${MAX_ENTRIES} entries; list less deep, or by code`,
      );
  } while (after !== undefined);
  return entries;
}
