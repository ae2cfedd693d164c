/**
 * Multipart uploads. What has come lies in a folder of its own, so an upload survives a restart; the object appears at
 * once when the upload is completed.
 */
import { hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elements, text } from '../shared/xml.ts';
import { type Checksums, checksumHeaders } from './checksums.ts';
import { quoted, writeCondition } from './conditions.ts';
import { invalidArgument, noSuchUpload, S3Error } from './errors.ts';
import { type Exchange, element, sendEmpty, sendXml } from './exchange.ts';
import { receiveBody, receiveDocument } from './receive-body.ts';
import { keptHeaders } from './write-object.ts';

const MIN_PART_BYTES = 5 * 2 ** 20;
const MAX_PARTS = 10_000;

interface Upload {
  readonly key: string;
  readonly startedAt: string;
  readonly headers: Record<string, string>;
}

interface Part {
  /** Name in the upload's folder. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly md5: string;
  readonly checksums: Checksums;
}

export async function createMultipartUpload(exchange: Exchange): Promise<void> {
  const { bucket, key, incoming, response, now } = exchange;
  const id = randomBytes(24).toString('hex');
  const upload: Upload = {
    key,
    startedAt: new Date(now).toISOString(),
    headers: keptHeaders(incoming.headers),
  };
  const folder = join(bucket.uploadsDirectory, id);
  await mkdir(folder);
  await writeFile(join(folder, 'upload.json'), JSON.stringify(upload));
  const facts = [element('Bucket', bucket.name), element('Key', key), element('UploadId', id)];
  sendXml(response, 'InitiateMultipartUploadResult', facts.join(''));
}

export async function uploadPart(exchange: Exchange): Promise<void> {
  const { folder } = await uploadOf(exchange);
  const number = Number(exchange.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw invalidArgument(`partNumber must be an integer of 1 to ${MAX_PARTS}`);
  }
  const file = `bytes-${randomBytes(8).toString('hex')}`;
  const body = await receiveBody(exchange.incoming, exchange.payloadClaim, join(folder, file));
  const part: Part = { file, ...body };
  const record = join(folder, `part-${number}.json`);
  const fresh = join(folder, `${file}.json`);
  const replaced = await readPart(folder, number);
  await writeFile(fresh, JSON.stringify(part));
  await rename(fresh, record);
  if (replaced) await rm(join(folder, replaced.file), { force: true });
  const headers = { etag: quoted(part.md5), ...checksumHeaders(part.checksums) };
  sendEmpty(exchange.response, 200, headers);
}

export async function completeMultipartUpload(exchange: Exchange): Promise<void> {
  const { bucket, key, incoming, response, payloadClaim, now } = exchange;
  const { folder, upload } = await uploadOf(exchange);
  const allow = writeCondition(incoming.headers);
  const document = await receiveDocument(incoming, payloadClaim);
  const parts = await wantedParts(folder, document);
  const file = bucket.newFile();
  await concatenate(
    parts.map((part) => join(folder, part.file)),
    bucket.dataPath(file),
  );
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.md5, 'hex')));
  const object = {
    key,
    file,
    sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    etag: `${hash('md5', digests)}-${parts.length}`,
    lastModified: new Date(now).toISOString(),
    checksums: {},
    headers: upload.headers,
  };
  await bucket.put(object, allow);
  await rm(folder, { recursive: true, force: true });
  const facts = [
    element('Location', `/${bucket.name}/${key}`),
    element('Bucket', bucket.name),
    element('Key', key),
    element('ETag', quoted(object.etag)),
  ];
  sendXml(response, 'CompleteMultipartUploadResult', facts.join(''));
}

export async function abortMultipartUpload(exchange: Exchange): Promise<void> {
  const { folder } = await uploadOf(exchange);
  await rm(folder, { recursive: true, force: true });
  sendEmpty(exchange.response, 204);
}

/** When the upload in that folder was begun; `undefined` when nothing can be read there. */
export async function uploadStartedAt(folder: string): Promise<number | undefined> {
  const upload = await readJson<Upload>(join(folder, 'upload.json'));
  return upload && Date.parse(upload.startedAt);
}

async function uploadOf({
  bucket,
  key,
  query,
}: Exchange): Promise<{ folder: string; upload: Upload }> {
  const id = query.get('uploadId') ?? '';
  if (!/^[0-9a-f]{48}$/.test(id)) throw noSuchUpload();
  const folder = join(bucket.uploadsDirectory, id);
  const upload = await readJson<Upload>(join(folder, 'upload.json'));
  if (upload?.key !== key) throw noSuchUpload();
  return { folder, upload };
}

async function wantedParts(folder: string, document: string): Promise<Part[]> {
  const wanted = elements(document, 'Part').map((part) => ({
    number: Number(text(part, 'PartNumber')),
    etag: (text(part, 'ETag') ?? '').replaceAll('"', ''),
  }));
  if (wanted.length === 0) throw new S3Error('MalformedXML', 400, 'The XML names no part');
  if (wanted.some(({ number }, at) => number <= (wanted[at - 1]?.number ?? 0))) {
    throw new S3Error('InvalidPartOrder', 400, 'The parts must come in ascending order.');
  }
  const parts: Part[] = [];
  for (const [at, { number, etag }] of wanted.entries()) {
    const part = await readPart(folder, number);
    if (part?.md5 !== etag) {
      throw new S3Error('InvalidPart', 400, `Part ${number} was not uploaded with that ETag.`);
    }
    if (at < wanted.length - 1 && part.sizeBytes < MIN_PART_BYTES) {
      const message = `Part ${number} has ${part.sizeBytes} bytes; all but the last need ${MIN_PART_BYTES}`;
      throw new S3Error('EntityTooSmall', 400, message);
    }
    parts.push(part);
  }
  return parts;
}

async function concatenate(sources: readonly string[], target: string): Promise<void> {
  const [only, ...more] = sources;
  if (only !== undefined && more.length === 0) {
    await link(only, target);
    return;
  }
  const file = await open(target, 'wx');
  try {
    for (const source of sources) {
      for await (const bytes of createReadStream(source, { highWaterMark: 2 ** 20 })) {
        await file.writeFile(bytes);
      }
    }
    await file.close();
  } catch (error) {
    await file.close();
    await rm(target, { force: true });
    throw error;
  }
}

function readPart(folder: string, number: number): Promise<Part | undefined> {
  return readJson<Part>(join(folder, `part-${number}.json`));
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
