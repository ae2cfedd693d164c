/** Files over REST: bytes in, bytes out, up to 4 MB in one request; names as JSON. */
import * as z from 'zod/mini';
import { FileEntry, FilePath, FileSha256, FileWatch, WatchFilesBody } from '../agent/files.ts';
import { SandboxId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { Bytes, Nothing, operation, Page, QueryInt } from './operation.ts';

const SandboxPath = z.strictObject({ sandboxId: SandboxId });
const AtPath = z.strictObject({ path: FilePath });

const FILE_ERRORS = [
  'SANDBOX_NOT_FOUND',
  'SANDBOX_GONE',
  'INVALID_SANDBOX_STATE',
  'FILE_NOT_FOUND',
  'NOT_SUPPORTED',
  'AGENT_UNREACHABLE',
  'DEADLINE_EXCEEDED',
] as const;

export const fileOperations = {
  readFile: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/files',
    role: 'viewer',
    summary: 'Read a file of up to 4 MB, or a part of any with `Range`; larger ones by download',
    params: SandboxPath,
    query: AtPath,
    headers: ['If-Match', 'If-None-Match', 'Range'],
    answers: { 200: Bytes, 206: Bytes, 304: Nothing },
    errors: [...FILE_ERRORS, 'FILE_TOO_LARGE', 'PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE'],
  }),
  writeFile: operation({
    method: 'PUT',
    path: '/sandboxes/{sandboxId}/files',
    role: 'developer',
    summary:
      'Write a file of up to 4 MB, whole or not at all, with the directories that it lies in; `If-Match` or `If-None-Match: *` makes it depend on what is there',
    params: SandboxPath,
    query: z.strictObject({ path: FilePath, sha256: z.optional(FileSha256) }),
    headers: ['If-Match', 'If-None-Match'],
    body: Bytes,
    answers: { 200: FileEntry },
    errors: [...FILE_ERRORS, 'FILE_TOO_LARGE', 'PRECONDITION_FAILED', 'RESOURCE_LIMIT_ERROR'],
  }),
  deleteFile: operation({
    method: 'DELETE',
    path: '/sandboxes/{sandboxId}/files',
    role: 'developer',
    summary:
      'Delete a file, a link or an empty directory; `recursive=true` a directory with all in it',
    params: SandboxPath,
    query: z.strictObject({ path: FilePath, recursive: z.optional(z.enum(['true', 'false'])) }),
    answers: { 204: Nothing },
    errors: FILE_ERRORS,
  }),
  watchFiles: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/files/watch',
    role: 'developer',
    summary:
      'Watch a directory: its changes are the events of the `executionId`, pushed as `file.change` to whoever subscribes to that; interrupt ends it',
    params: SandboxPath,
    headers: ['Idempotency-Key'],
    body: WatchFilesBody,
    answers: { 201: FileWatch },
    errors: [...FILE_ERRORS, 'RESOURCE_LIMIT_ERROR'],
  }),
  listFiles: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/files/list',
    role: 'viewer',
    summary:
      'List a directory in the order of its paths, to a depth of 1 unless another is asked for',
    params: SandboxPath,
    query: z.strictObject({
      path: z.optional(FilePath),
      depth: z.optional(QueryInt.check(z.minimum(1), z.maximum(LIMITS.listDepth))),
      limit: Page.shape.limit,
      cursor: z.optional(
        z
          .string()
          .check(z.regex(/^[A-Za-z0-9_-]{1,8192}$/, 'must be a cursor of an earlier answer')),
      ),
    }),
    answers: { 200: z.object({ items: z.array(FileEntry), nextCursor: z.nullable(z.string()) }) },
    errors: FILE_ERRORS,
  }),
  statFile: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/files/stat',
    role: 'viewer',
    summary: 'Read what a name is: a link is not followed',
    params: SandboxPath,
    query: AtPath,
    answers: { 200: FileEntry },
    errors: FILE_ERRORS,
  }),
  makeDirectory: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/files/mkdir',
    role: 'developer',
    summary: 'Make a directory and what is missing above it; again, the same answer',
    params: SandboxPath,
    body: z.strictObject({ path: FilePath }),
    answers: { 200: FileEntry },
    errors: [...FILE_ERRORS, 'RESOURCE_LIMIT_ERROR'],
  }),
  moveFile: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/files/move',
    role: 'developer',
    summary: 'Move a file or directory on its disk; over another only with `overwrite`',
    params: SandboxPath,
    body: z.strictObject({
      from: FilePath,
      to: FilePath,
      overwrite: z.optional(z.boolean()),
    }),
    answers: { 200: FileEntry },
    errors: [...FILE_ERRORS, 'RESOURCE_LIMIT_ERROR'],
  }),
};
