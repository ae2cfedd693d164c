/**
 * The agent's file routes, as the functions call them through agent-gateway. Bytes in, bytes out; every
 * operation has the rights of user code. Relative paths start in the workspace; absolute ones must lie in
 * it or in /tmp, which the agent checks where the file lies, not by its name.
 */
import * as z from 'zod/mini';
import { ExecutionId, UploadId } from '../ids.ts';
import { LIMITS } from '../limits.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
const namesOf = (path: string) => path.split('/');

export const FilePath = z.string().check(
  z.minLength(1, 'must not be empty'),
  z.regex(/^[^\0]*$/, 'must not contain NUL'),
  z.refine(
    (path) => bytesOf(path) <= LIMITS.pathBytes,
    `must be at most ${LIMITS.pathBytes} bytes`,
  ),
  z.refine((path) => !namesOf(path).includes('..'), 'must not contain the name ..'),
  z.refine(
    (path) => namesOf(path).every((name) => bytesOf(name) <= LIMITS.fileNameBytes),
    `must have names of at most ${LIMITS.fileNameBytes} bytes`,
  ),
);

export const FileSha256 = z
  .string()
  .check(z.regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex characters'));

export const FILE_TYPES = ['file', 'directory', 'symlink', 'other'] as const;

export const FileEntry = z.object({
  /** Absolute. Bytes of a name that are not UTF-8 are shown as U+FFFD, and cannot be asked for. */
  path: z.string(),
  name: z.string(),
  /** Of the name itself: a link is not followed. */
  type: z.enum(FILE_TYPES),
  sizeBytes: z.int(),
  /** Permissions in octal, such as `644`. */
  mode: z.string(),
  modifiedAt: z.iso.datetime(),
  /** Another one after each change: the ETag of the bytes, without its quotes. */
  version: z.string(),
  /** Names, or numbers where there is no name. */
  owner: z.optional(z.string()),
  group: z.optional(z.string()),
  /** What a symlink says. */
  target: z.optional(z.string()),
});
export type FileEntry = z.infer<typeof FileEntry>;

/** `GET /files?path=` → bytes, with `Range` and `If-None-Match`; `PUT` with `If-Match` or `If-None-Match: *`. */
export const FileQuery = z.object({ path: FilePath });
export const ReadFileQuery = z.object({
  path: FilePath,
  /** More is refused before the first byte. */
  maxBytes: z.optional(z.int().check(z.nonnegative())),
});
export const WriteFileQuery = z.object({ path: FilePath, sha256: z.optional(FileSha256) });

/** `DELETE /files?path=&recursive=` → 204. */
export const RemoveFileQuery = z.object({
  path: FilePath,
  /** A directory with all that is in it. */
  recursive: z.optional(z.enum(['true', 'false'])),
});

/** `GET /files/list?path=&depth=&limit=&after=`. */
export const ListFilesQuery = z.object({
  path: FilePath,
  depth: z.int().check(z.minimum(1), z.maximum(LIMITS.listDepth)),
  limit: z.int().check(z.minimum(1), z.maximum(LIMITS.pageSize.max)),
  /** `nextAfter` of the page before. */
  after: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,8192}$/, 'must be a cursor'))),
});
export const ListFilesResponse = z.object({
  items: z.array(FileEntry),
  nextAfter: z.nullable(z.string()),
});
export type ListFilesResponse = z.infer<typeof ListFilesResponse>;

/** `POST /files/mkdir` makes what is missing of the path; what is there already is no error. */
export const MakeDirectoryRequest = z.strictObject({ path: FilePath });

/** `POST /files/move`. */
export const MoveFileRequest = z.strictObject({
  from: FilePath,
  to: FilePath,
  /** Whether what stands at `to` may be replaced. */
  overwrite: z.optional(z.boolean()),
});

/**
 * An upload is a write that comes in slices: `POST /files/uploads` begins it, or answers where it stands;
 * `PUT /files/uploads/{id}?offset=` takes a slice; `POST /files/uploads/{id}/finish` checks size and SHA-256
 * and puts the file in its place, once: again, the same answer. It is forgotten after 15 min of silence.
 */
export const BeginUploadRequest = z.strictObject({
  uploadId: UploadId,
  path: FilePath,
  sizeBytes: z.int().check(z.nonnegative(), z.maximum(LIMITS.fileBytes)),
  sha256: FileSha256,
});
export type BeginUploadRequest = z.infer<typeof BeginUploadRequest>;
export const UploadSliceQuery = z.object({ offset: z.int().check(z.nonnegative()) });
export const UploadProgress = z.object({ offset: z.int() });

/** `GET /files/digest?path=` reads the whole file. */
export const FileDigest = z.object({ entry: FileEntry, sha256: FileSha256 });
export type FileDigest = z.infer<typeof FileDigest>;

/** `POST /watches` → 201 once it watches; the same id and body again answers the same. */
export const WatchFilesBody = z.strictObject({
  /** Of a directory. */
  path: FilePath,
  /** With all directories below it, also those to come: 512 at most. */
  recursive: z.optional(z.boolean()),
});
export type WatchFilesBody = z.infer<typeof WatchFilesBody>;
export const WatchFilesRequest = z.strictObject({
  executionId: ExecutionId,
  ...WatchFilesBody.shape,
});
export type WatchFilesRequest = z.infer<typeof WatchFilesRequest>;
export const FileWatch = z.object({
  /** Whose events are the changes. It ends once nobody has read them for a minute. */
  executionId: ExecutionId,
  path: z.string(),
  recursive: z.boolean(),
});
export type FileWatch = z.infer<typeof FileWatch>;
