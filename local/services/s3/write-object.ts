/**
 * PutObject, CopyObject, DeleteObject and DeleteObjects.
 */
import { link } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { elements, text } from '../shared/xml.ts';
import { checksumHeaders } from './checksums.ts';
import { quoted, writeCondition } from './conditions.ts';
import { noSuchKey, notServed, S3Error } from './errors.ts';
import { type Exchange, element, sendEmpty, sendXml } from './exchange.ts';
import { receiveBody, receiveDocument } from './receive-body.ts';

const KEPT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'expires',
];
const MAX_DELETES = 1000;

export async function putObject(exchange: Exchange): Promise<void> {
  const { bucket, key, incoming, response, payloadClaim, now } = exchange;
  const allow = writeCondition(incoming.headers);
  // Refused at once where it can be; decided for good when the object is put in its place.
  allow(bucket.get(key));
  const file = bucket.newFile();
  const body = await receiveBody(incoming, payloadClaim, bucket.dataPath(file));
  const object = {
    key,
    file,
    sizeBytes: body.sizeBytes,
    etag: body.md5,
    lastModified: new Date(now).toISOString(),
    checksums: body.checksums,
    headers: keptHeaders(incoming.headers),
  };
  await bucket.put(object, allow);
  sendEmpty(response, 200, { etag: quoted(object.etag), ...checksumHeaders(object.checksums) });
}

export async function copyObject(exchange: Exchange): Promise<void> {
  const { bucket, key, incoming, response, now } = exchange;
  const { headers } = incoming;
  const refused = Object.keys(headers).find((name) => name.startsWith('x-amz-copy-source-'));
  if (refused !== undefined) throw notServed(`the header ${refused}`);
  const source = copySource(exchange, String(headers['x-amz-copy-source']));
  const replace = headers['x-amz-metadata-directive'] === 'REPLACE';
  const original = source.bucket.get(source.key);
  if (original === undefined) throw noSuchKey();
  if (source.bucket === bucket && source.key === key && !replace) {
    const message = 'An object can be copied to itself only with another metadata.';
    throw new S3Error('InvalidRequest', 400, message);
  }
  const file = bucket.newFile();
  // Bytes never change once written, so two objects may share them.
  await link(source.bucket.dataPath(original.file), bucket.dataPath(file)).catch(gone);
  const copy = {
    ...original,
    key,
    file,
    lastModified: new Date(now).toISOString(),
    headers: replace ? keptHeaders(headers) : original.headers,
  };
  await bucket.put(copy, writeCondition(headers));
  const facts = [element('ETag', quoted(copy.etag)), element('LastModified', copy.lastModified)];
  sendXml(response, 'CopyObjectResult', facts.join(''));
}

export async function deleteObject(exchange: Exchange): Promise<void> {
  await exchange.bucket.delete(exchange.key);
  sendEmpty(exchange.response, 204);
}

export async function deleteObjects(exchange: Exchange): Promise<void> {
  const { bucket, incoming, response, payloadClaim } = exchange;
  const document = await receiveDocument(incoming, payloadClaim);
  const keys = elements(document, 'Object').map((object) => text(object, 'Key') ?? '');
  if (keys.length === 0 || keys.length > MAX_DELETES || keys.includes('')) {
    const message = `The XML must name 1 to ${MAX_DELETES} objects, each by its Key`;
    throw new S3Error('MalformedXML', 400, message);
  }
  for (const key of keys) await bucket.delete(key);
  const quiet = text(document, 'Quiet') === 'true';
  const deleted = keys.map((key) => `<Deleted>${element('Key', key)}</Deleted>`);
  sendXml(response, 'DeleteResult', quiet ? '' : deleted.join(''));
}

/** `aws-chunked` is framing of the upload and no encoding of the object. */
export function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'application/octet-stream' };
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue;
    if (KEPT_HEADERS.includes(name) || name.startsWith('x-amz-meta-')) kept[name] = value;
  }
  const encoding = (headers['content-encoding'] ?? '')
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'aws-chunked');
  if (encoding.length > 0) kept['content-encoding'] = encoding.join(',');
  return kept;
}

function copySource({ bucketNamed }: Exchange, header: string) {
  const [path = '', version] = header.replace(/^\//, '').split('?');
  if (version !== undefined) throw notServed('versions of objects');
  const decoded = decodeSource(path);
  const slash = decoded.indexOf('/');
  if (slash < 1) throw new S3Error('InvalidArgument', 400, 'Copy source must be <bucket>/<key>');
  return { bucket: bucketNamed(decoded.slice(0, slash)), key: decoded.slice(slash + 1) };
}

function decodeSource(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new S3Error('InvalidArgument', 400, 'Copy source holds a broken percent escape');
  }
}

function gone(error: NodeJS.ErrnoException): never {
  throw error.code === 'ENOENT' ? noSuchKey() : error;
}
