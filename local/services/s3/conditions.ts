/**
 * Conditional requests and byte ranges, by RFC 9110 as S3 reads it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { StoredObject } from './bucket.ts';
import { noSuchKey, notServed, preconditionFailed, S3Error } from './errors.ts';

export interface ByteRange {
  readonly start: number;
  /** The last byte, included. */
  readonly end: number;
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** Throws when a condition of a GET or HEAD does not hold; `not-modified` answers 304. */
export function checkRead(
  headers: IncomingHttpHeaders,
  object: StoredObject,
): 'send' | 'not-modified' {
  const modified = Math.floor(Date.parse(object.lastModified) / 1000);
  const seconds = (text: string | undefined) => Math.floor(Date.parse(text ?? '') / 1000);
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!names(ifMatch, object.etag)) throw preconditionFailed();
  } else if (modified > seconds(headers['if-unmodified-since'])) {
    throw preconditionFailed();
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, object.etag) ? 'not-modified' : 'send';
  return modified <= seconds(headers['if-modified-since']) ? 'not-modified' : 'send';
}

/** For `Bucket.put`: whether a write may replace what is there. */
export function writeCondition(
  headers: IncomingHttpHeaders,
): (current: StoredObject | undefined) => void {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw notServed(`If-None-Match of '${ifNoneMatch}' on a write; only * is allowed`);
  }
  return (current) => {
    if (ifNoneMatch === '*' && current !== undefined) throw preconditionFailed();
    if (ifMatch === undefined) return;
    if (current === undefined) throw noSuchKey();
    if (!names(ifMatch, current.etag)) throw preconditionFailed();
  };
}

/** `undefined`: the whole object, also for a Range header that is malformed or names several ranges. */
export function readRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start <= end) return { start, end };
  throw new S3Error('InvalidRange', 416, 'The requested range is not satisfiable', {
    'content-range': `bytes */${sizeBytes}`,
  });
}

function names(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().replace(/^W\//, ''))
    .some((entry) => entry === '*' || entry === etag || entry === quoted(etag));
}
