/**
 * Takes a file's bytes and puts it in its place: whole and with the announced size and SHA-256, or not
 * at all. Must never leave half a file where one was.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { conditionOf } from './entity-tags.ts';
import type { FileSystem } from './file-system.ts';
import { pour } from './pour.ts';

export interface WriteExchange {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly sha256: string | undefined;
}

export async function receiveFile(files: FileSystem, exchange: WriteExchange): Promise<FileEntry> {
  const { request, path, sha256 } = exchange;
  const sizeBytes = announcedSize(request);
  using run = files.write({ path, sizeBytes, condition: conditionOf(request.headers) });
  await run.answer();
  const hash = createHash('sha256');
  await pour(request, run.input, (chunk) => hash.update(chunk));
  if (request.complete && sha256 !== undefined) refuseOther(sha256, hash.digest('hex'));
  run.commit();
  return await run.entry();
}

function announcedSize({ headers }: IncomingMessage): number {
  const length = headers['content-length'];
  if (length === undefined || !/^\d{1,15}$/.test(length))
    throw new AppError('VALIDATION_ERROR', 'content-length: is required: the size of the file', {
      details: { field: 'content-length', allowed: 'the size of the file' },
    });
  const sizeBytes = Number(length);
  if (sizeBytes <= LIMITS.fileRequestBytes) return sizeBytes;
  throw new AppError(
    'FILE_TOO_LARGE',
    `body: must be at most ${LIMITS.fileRequestBytes} bytes, got ${sizeBytes}: use an upload`,
    { details: { field: 'body', sizeBytes, allowed: LIMITS.fileRequestBytes } },
  );
}

export function refuseOther(expected: string, actual: string): void {
  if (actual === expected) return;
  throw new AppError('VALIDATION_ERROR', `sha256: the bytes have another one: ${actual}`, {
    details: { field: 'sha256', expected, actual },
  });
}
