/**
 * Answers a file's bytes, whole or in part. A file that becomes shorter while it is read, or a helper
 * that ends, is a cut: fewer bytes than were announced, and never a clean end.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../../contract/errors.ts';
import { names } from './entity-tags.ts';
import type { FileSystem } from './file-system.ts';
import { problemOf } from './problems.ts';
import { partOf } from './range.ts';

/** A reader that takes nothing for so long has gone. */
const SILENCE_MS = 60_000;

export interface ReadExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly maxBytes: number | undefined;
}

export async function sendFile(files: FileSystem, exchange: ReadExchange): Promise<void> {
  const { request, response, path, maxBytes } = exchange;
  using run = files.read(path);
  const entry = await run.entry();
  const head = {
    etag: `"${entry.version}"`,
    'last-modified': new Date(entry.modifiedAt).toUTCString(),
    'cache-control': 'no-store',
  };
  const { 'if-match': wanted, 'if-none-match': known, range } = request.headers;
  if (wanted !== undefined && !names(wanted, entry.version)) throw problemOf('changed', 'path');
  if (known !== undefined && names(known, entry.version)) {
    response.writeHead(304, head).end();
    return;
  }
  const { sizeBytes } = entry;
  const part = partOf(range, sizeBytes);
  const { from, length } = part ?? { from: 0, length: sizeBytes };
  if (maxBytes !== undefined && length > maxBytes) throw tooLarge(length, maxBytes);
  response.writeHead(part ? 206 : 200, {
    ...head,
    'content-type': 'application/octet-stream',
    'content-length': length,
    'accept-ranges': 'bytes',
    ...(part ? { 'content-range': `bytes ${from}-${from + length - 1}/${sizeBytes}` } : {}),
  });
  // One byte more would be taken for the next answer.
  response.strictContentLength = true;
  response.setTimeout(SILENCE_MS, () => response.destroy());
  run.send([String(from), String(length)]);
  // Ended by hand: only who has all bytes may see an end.
  await pipeline(run.output, response, { end: false });
  if ((await run.exited) === 0) response.end();
  else response.destroy();
}

const tooLarge = (sizeBytes: number, allowed: number) =>
  new AppError(
    'FILE_TOO_LARGE',
    `path: ${sizeBytes} bytes were asked for, and ${allowed} are the most in one answer: use a download, or Range`,
    { details: { field: 'path', sizeBytes, allowed } },
  );
