/**
 * Large files over REST, by way of the deployment's own bucket: the caller puts bytes to a presigned URL
 * and completes the upload, or asks for a download and gets a URL. Copying goes on without the caller.
 */
import * as z from 'zod/mini';
import { FileEntry, FilePath, FileSha256 } from '../agent/files.ts';
import { DownloadId, SandboxId, UploadId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { operation } from './operation.ts';

export const TRANSFER_STATES = ['waiting', 'copying', 'done', 'failed'] as const;
export const TransferState = z.enum(TRANSFER_STATES);
export type TransferState = z.infer<typeof TransferState>;

const facts = {
  sandboxId: SandboxId,
  path: z.string(),
  state: TransferState,
  createdAt: z.iso.datetime(),
  /** Of a failed one: completing or asking again begins it anew. */
  error: z.optional(z.object({ code: z.string(), message: z.string() })),
};

export const Upload = z.object({
  id: UploadId,
  ...facts,
  sizeBytes: z.int(),
  sha256: z.string(),
  /** What stands in the sandbox, once it is done. */
  file: z.optional(FileEntry),
});
export type Upload = z.infer<typeof Upload>;

/** `PUT` the bytes to `url` with exactly these headers; they are taken only whole and only if they fit. */
export const NewUpload = z.object({
  ...Upload.shape,
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  urlExpiresAt: z.iso.datetime(),
});
export type NewUpload = z.infer<typeof NewUpload>;

export const Download = z.object({
  id: DownloadId,
  ...facts,
  sizeBytes: z.optional(z.int()),
  sha256: z.optional(z.string()),
  /** Once it is done: `GET` it without a key. */
  url: z.optional(z.string()),
  urlExpiresAt: z.optional(z.iso.datetime()),
});
export type Download = z.infer<typeof Download>;

const SandboxPath = z.strictObject({ sandboxId: SandboxId });
const ERRORS = ['SANDBOX_NOT_FOUND', 'SANDBOX_GONE', 'INVALID_SANDBOX_STATE'] as const;

export const transferOperations = {
  createUpload: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/uploads',
    role: 'developer',
    summary: 'Begin an upload of a file of up to 5 GiB: answers a presigned URL for its bytes',
    params: SandboxPath,
    headers: ['Idempotency-Key'],
    body: z.strictObject({
      path: FilePath,
      sizeBytes: z.int().check(z.nonnegative(), z.maximum(LIMITS.fileBytes)),
      sha256: FileSha256,
    }),
    answers: { 201: NewUpload },
    errors: [...ERRORS, 'NOT_FOUND'],
  }),
  completeUpload: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/uploads/{uploadId}/complete',
    role: 'developer',
    summary:
      'Copy what was uploaded into the sandbox: 200 when it is there, 202 while it is copied; ask again',
    params: z.strictObject({ sandboxId: SandboxId, uploadId: UploadId }),
    answers: { 200: Upload, 202: Upload },
    errors: [...ERRORS, 'NOT_FOUND'],
  }),
  createDownload: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/downloads',
    role: 'developer',
    summary: 'Copy a file out of the sandbox: 200 with a URL, or 202 while it is copied',
    params: SandboxPath,
    body: z.strictObject({ path: FilePath }),
    answers: { 200: Download, 202: Download },
    errors: ERRORS,
  }),
  getDownload: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/downloads/{downloadId}',
    role: 'developer',
    summary: 'Read a download: 200 with a fresh URL, or 202 while it is copied',
    params: z.strictObject({ sandboxId: SandboxId, downloadId: DownloadId }),
    answers: { 200: Download, 202: Download },
    errors: [...ERRORS, 'NOT_FOUND'],
  }),
};
