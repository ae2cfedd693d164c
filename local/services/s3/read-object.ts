/**
 * GetObject and HeadObject: conditions, ranges, and the headers that a signed URL may override.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { validateHeaderValue } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Bucket, StoredObject } from './bucket.ts';
import { checksumHeaders } from './checksums.ts';
import { checkRead, quoted, readRange } from './conditions.ts';
import { invalidArgument, noSuchKey } from './errors.ts';
import { type Exchange, sendEmpty } from './exchange.ts';

const OVERRIDES = {
  'response-cache-control': 'cache-control',
  'response-content-disposition': 'content-disposition',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
  'response-content-type': 'content-type',
  'response-expires': 'expires',
} as const;
const READ_BYTES = 256 * 1024;

export async function getObject(exchange: Exchange): Promise<void> {
  const { object, file } = await openObject(exchange.bucket, exchange.key);
  try {
    await send(exchange, object, file);
  } finally {
    await file.close();
  }
}

export async function headObject(exchange: Exchange): Promise<void> {
  const object = exchange.bucket.get(exchange.key);
  if (object === undefined) throw noSuchKey();
  await send(exchange, object, undefined);
}

async function send(
  exchange: Exchange,
  object: StoredObject,
  file: FileHandle | undefined,
): Promise<void> {
  const { incoming, response } = exchange;
  const validators = {
    etag: quoted(object.etag),
    'last-modified': new Date(object.lastModified).toUTCString(),
  };
  if (checkRead(incoming.headers, object) === 'not-modified') {
    sendEmpty(response, 304, validators);
    return;
  }
  const range = readRange(incoming.headers.range, object.sizeBytes);
  const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
  const wantsChecksum = incoming.headers['x-amz-checksum-mode'] === 'ENABLED' && !range;
  response.writeHead(range ? 206 : 200, {
    ...object.headers,
    ...overrides(exchange.query),
    ...validators,
    ...(wantsChecksum ? checksumHeaders(object.checksums) : {}),
    ...(range ? { 'content-range': `bytes ${start}-${end}/${object.sizeBytes}` } : {}),
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
  });
  if (file === undefined || end < start) {
    response.end();
    return;
  }
  const bytes = file.createReadStream({ start, end, highWaterMark: READ_BYTES, autoClose: false });
  // A reader that leaves is no fault; its connection is gone and nothing is left to answer.
  await pipeline(bytes, response).catch(() => response.destroy());
}

/** An object that is replaced between the look-up and the opening of its file is looked up again. */
async function openObject(
  bucket: Bucket,
  key: string,
): Promise<{ object: StoredObject; file: FileHandle }> {
  for (;;) {
    const object = bucket.get(key);
    if (object === undefined) throw noSuchKey();
    try {
      return { object, file: await open(bucket.dataPath(object.file)) };
    } catch (error) {
      if (bucket.get(key) === object) throw error;
    }
  }
}

function overrides(query: URLSearchParams): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [parameter, header] of Object.entries(OVERRIDES)) {
    const value = query.get(parameter);
    if (value === null) continue;
    try {
      validateHeaderValue(header, value);
    } catch {
      throw invalidArgument(`${parameter} holds characters that no header can carry`);
    }
    headers[header] = value;
  }
  return headers;
}
