/**
 * ListObjectsV2: keys in UTF-8 order, common prefixes by delimiter, pages by an opaque token.
 */
import { encodeRfc3986 } from '../shared/canonical-request.ts';
import type { Bucket } from './bucket.ts';
import { quoted } from './conditions.ts';
import { invalidArgument } from './errors.ts';
import { type Exchange, element, sendXml } from './exchange.ts';
import { compareUtf8 } from './key-order.ts';

const MAX_KEYS = 1000;

interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Keys up to this one, and below this common prefix, are on earlier pages. */
  readonly after: string;
  readonly maxKeys: number;
}

interface Page {
  readonly keys: string[];
  readonly commonPrefixes: string[];
  /** Where the next page goes on. */
  readonly next: string | undefined;
}

export async function listObjectsV2({ bucket, query, response }: Exchange): Promise<void> {
  const token = query.get('continuation-token');
  const asked = {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    after: token === null ? (query.get('start-after') ?? '') : fromToken(token),
    maxKeys: maxKeysOf(query.get('max-keys')),
  };
  const page = listPage(bucket.sortedKeys, asked);
  const encode =
    query.get('encoding-type') === 'url'
      ? (text: string) => encodeRfc3986(text).replaceAll('%2F', '/')
      : (text: string) => text;
  const facts = [
    element('Name', bucket.name),
    element('Prefix', encode(asked.prefix)),
    element('Delimiter', asked.delimiter === '' ? undefined : encode(asked.delimiter)),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('StartAfter', query.get('start-after') ?? undefined),
    element('ContinuationToken', token ?? undefined),
    element('NextContinuationToken', page.next === undefined ? undefined : toToken(page.next)),
    element('KeyCount', page.keys.length + page.commonPrefixes.length),
    element('MaxKeys', asked.maxKeys),
    element('IsTruncated', page.next !== undefined),
    ...page.keys.map((key) => contents(bucket, key, encode)),
    ...page.commonPrefixes.map(
      (prefix) => `<CommonPrefixes>${element('Prefix', encode(prefix))}</CommonPrefixes>`,
    ),
  ];
  sendXml(response, 'ListBucketResult', facts.join(''));
}

function listPage(sorted: readonly string[], query: ListQuery): Page {
  const { prefix, delimiter, after, maxKeys } = query;
  const keys: string[] = [];
  const commonPrefixes: string[] = [];
  let last = after;
  const first = compareUtf8(after, prefix) > 0 ? after : prefix;
  for (let at = lowerBound(sorted, first); at < sorted.length; at++) {
    const key = sorted[at] ?? '';
    if (!key.startsWith(prefix)) break;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    if (key === after || (common !== undefined && common === last)) continue;
    if (keys.length + commonPrefixes.length >= maxKeys) {
      return { keys, commonPrefixes, next: maxKeys === 0 ? undefined : last };
    }
    if (common === undefined) keys.push(key);
    else commonPrefixes.push(common);
    last = common ?? key;
  }
  return { keys, commonPrefixes, next: undefined };
}

/** Index of the first key that is not below `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(sorted[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function contents(bucket: Bucket, key: string, encode: (text: string) => string): string {
  const object = bucket.get(key);
  if (object === undefined) return '';
  const facts = [
    element('Key', encode(key)),
    element('LastModified', object.lastModified),
    element('ETag', quoted(object.etag)),
    element('Size', object.sizeBytes),
    element('StorageClass', 'STANDARD'),
  ];
  return `<Contents>${facts.join('')}</Contents>`;
}

function maxKeysOf(text: string | null): number {
  const value = text === null ? MAX_KEYS : Number(text);
  if (!Number.isInteger(value) || value < 0) {
    throw invalidArgument(`max-keys must be an integer of 0 to ${MAX_KEYS}, got ${text}`);
  }
  return Math.min(value, MAX_KEYS);
}

function toToken(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function fromToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString();
  if (key === '' || toToken(key) !== token) {
    throw invalidArgument('The continuation token provided is incorrect');
  }
  return key;
}
