/**
 * The canonical form of a request for AWS Signature Version 4, and the signature over it.
 * It compares nothing and looks nothing up. S3 encodes a path once, every other service twice.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface CanonicalInput {
  readonly method: string;
  /** Path and query exactly as they came over the wire. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly signedHeaders: readonly string[];
  readonly service: string;
  readonly payloadHash: string;
}

export interface SigningScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** `undefined` when the path holds a broken percent escape. */
export function canonicalRequest(input: CanonicalInput): string | undefined {
  const { path, query } = splitTarget(input.target);
  const canonicalPath = input.service === 's3' ? encodedOnce(path) : encodedTwice(path);
  if (canonicalPath === undefined) return undefined;
  const headers = input.signedHeaders.map(
    (name) => `${name}:${canonicalHeader(input.headers[name])}`,
  );
  return [
    input.method,
    canonicalPath,
    canonicalQuery(query),
    ...headers,
    '',
    input.signedHeaders.join(';'),
    input.payloadHash,
  ].join('\n');
}

export function signature(
  secret: string,
  amzDate: string,
  scope: SigningScope,
  canonical: string,
): string {
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    amzDate,
    `${scope.date}/${scope.region}/${scope.service}/aws4_request`,
    hash('sha256', canonical),
  ].join('\n');
  return createHmac('sha256', signingKey(secret, scope)).update(stringToSign).digest('hex');
}

/** A key is for a day, and derived by four of the five hashes that a request costs. */
const signingKeys = new Map<string, KeyObject>();
const MAX_SIGNING_KEYS = 1_000;

function signingKey(secret: string, { date, region, service }: SigningScope): KeyObject {
  const parts = [date, region, service, 'aws4_request'];
  const name = [secret, ...parts].join('/');
  const known = signingKeys.get(name);
  if (known) return known;
  const bytes = parts.reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
  const key = createSecretKey(bytes);
  if (signingKeys.size >= MAX_SIGNING_KEYS) signingKeys.clear();
  signingKeys.set(name, key);
  return key;
}

/** Percent-encoding of RFC 3986, in which only letters, digits and `-._~` stay. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodedOnce(path: string): string | undefined {
  try {
    return path
      .split('/')
      .map((segment) => encodeRfc3986(decodeURIComponent(segment)))
      .join('/');
  } catch {
    return undefined;
  }
}

function encodedTwice(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(encodeRfc3986(segment));
  }
  const end = kept.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${kept.join('/')}${end}`;
}

function canonicalQuery(query: string): string {
  return [...new URLSearchParams(query)]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encodeRfc3986(name), encodeRfc3986(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function canonicalHeader(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.replace(/\s+/g, ' ').trim();
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
