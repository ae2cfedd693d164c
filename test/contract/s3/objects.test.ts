import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { credentials, region } from '../../helpers/aws-server.ts';
import { Bucket, errorOf, startS3 } from './fixture.ts';

let s3: Awaited<ReturnType<typeof startS3>>;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(async () => {
  await s3.close();
  expect(s3.faults).toEqual([]);
});

const put = (Key: string, Body: string | Buffer | Readable, more: object = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more: object = {}) =>
  s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
const head = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket, Key }));
const textOf = async (Key: string, more: object = {}) =>
  (await get(Key, more)).Body?.transformToString();
const md5 = (data: string | Buffer) => createHash('md5').update(data).digest('hex');

describe('an object', () => {
  it('comes back with its bytes, metadata, headers, checksum and ETag', async () => {
    const Key = 'a/b c+é😀.txt';
    const sent = await put(Key, 'hello', {
      ContentType: 'text/plain; charset=utf-8',
      ContentDisposition: 'attachment; filename="x"',
      CacheControl: 'no-store',
      Metadata: { run: '42' },
    });
    expect(sent).toMatchObject({ ETag: `"${md5('hello')}"`, ChecksumCRC32: 'NhCmhg==' });
    const got = await get(Key);
    expect(await got.Body?.transformToString()).toBe('hello');
    expect(got).toMatchObject({
      ContentType: 'text/plain; charset=utf-8',
      ContentDisposition: 'attachment; filename="x"',
      CacheControl: 'no-store',
      ContentLength: 5,
      Metadata: { run: '42' },
      ETag: sent.ETag,
      ChecksumCRC32: 'NhCmhg==',
    });
    expect(await head(Key)).toMatchObject({ ContentLength: 5, ETag: sent.ETag });
    expect((await head(Key)).LastModified).toBeInstanceOf(Date);
  });

  it('may be empty, and replaced', async () => {
    await put('empty', '');
    expect(await textOf('empty')).toBe('');
    await put('empty', 'no more');
    expect(await textOf('empty')).toBe('no more');
  });

  it('arrives whole when its body is a stream, whose chunked framing and trailer are taken off', async () => {
    const bytes = randomBytes(700_001);
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 300_000), bytes.subarray(300_000)];
    await put('stream', Readable.from(pieces), { ContentLength: bytes.length });
    const got = await get('stream');
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? [])).toEqual(bytes);
    expect(got.ContentEncoding).toBeUndefined();
    expect(got.ETag).toBe(`"${md5(bytes)}"`);
  });

  it('is refused when its checksum is wrong, and leaves nothing', async () => {
    for (const wrong of [
      { ChecksumSHA256: createHash('sha256').update('other').digest('base64') },
      { ChecksumCRC32: 'AAAAAA==' },
      { ContentMD5: createHash('md5').update('other').digest('base64') },
    ]) {
      expect(await errorOf(put('wrong', 'data', wrong))).toMatchObject({ name: 'BadDigest' });
    }
    expect(await errorOf(put('wrong', 'data', { ContentMD5: 'short' }))).toMatchObject({
      name: 'InvalidDigest',
    });
    const right = createHash('sha256').update('data').digest('base64');
    expect(await put('right', 'data', { ChecksumSHA256: right })).toMatchObject({
      ChecksumSHA256: right,
    });
    expect(await errorOf(head('wrong'))).toMatchObject({ name: 'NotFound' });
  });

  it('lives under no path that its key could choose', async () => {
    const keys = [
      '../../escape',
      '..',
      'a/../b',
      'a//b',
      './c',
      '/d',
      'x'.repeat(1024),
      'nul\u0000',
    ];
    const before = await readdir(join(s3.directory, '..'));
    for (const key of keys) {
      await put(key, key);
      expect(await textOf(key)).toBe(key);
    }
    expect(await readdir(s3.directory)).toEqual([Bucket]);
    expect((await readdir(join(s3.directory, '..'))).filter((name) => name === 'escape')).toEqual(
      [],
    );
    expect(before).not.toContain('escape');
    expect(await errorOf(put('x'.repeat(1025), ''))).toMatchObject({ name: 'KeyTooLongError' });
  });

  it('is copied with its metadata or with other', async () => {
    await put('from', 'copied', { Metadata: { a: '1' }, ContentType: 'x/y' });
    const copy = (Key: string, more: object = {}) =>
      s3.client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/from`, ...more }));
    expect((await copy('to')).CopyObjectResult?.ETag).toBe(`"${md5('copied')}"`);
    await put('from', 'changed since');
    expect(await textOf('to')).toBe('copied');
    expect(await head('to')).toMatchObject({ Metadata: { a: '1' }, ContentType: 'x/y' });
    await copy('from', { MetadataDirective: 'REPLACE', Metadata: { b: '2' } });
    expect(await head('from')).toMatchObject({ Metadata: { b: '2' } });
    expect(await errorOf(copy('from'))).toMatchObject({ name: 'InvalidRequest' });
  });

  it('is deleted, alone or with others, also when it is not there', async () => {
    await put('gone-1', '1');
    await put('gone-2', '<&>');
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'gone-1' }));
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'gone-1' }));
    const Objects = ['gone-1', 'gone-2', 'a<&">\'\r\nb'].map((Key) => ({ Key }));
    const answer = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(answer.Deleted?.map((one) => one.Key)).toEqual(Objects.map((one) => one.Key));
    for (const key of ['gone-1', 'gone-2']) {
      expect(await errorOf(get(key))).toMatchObject({ name: 'NoSuchKey' });
    }
  });
});

describe('a read', () => {
  beforeAll(() => put('ranges', '0123456789'));

  it('gives a range, and says which', async () => {
    const ranges = [
      ['bytes=1-3', '123', 'bytes 1-3/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-2', '89', 'bytes 8-9/10'],
      ['bytes=8-99', '89', 'bytes 8-9/10'],
      ['bytes=3-1', '0123456789', undefined],
    ] as const;
    for (const [Range, text, ContentRange] of ranges) {
      const got = await get('ranges', { Range });
      expect([await got.Body?.transformToString(), got.ContentRange]).toEqual([text, ContentRange]);
    }
    const beyond = await errorOf(get('ranges', { Range: 'bytes=10-' }));
    expect(beyond).toMatchObject({ name: 'InvalidRange', $metadata: { httpStatusCode: 416 } });
  });

  it('is answered 304 or 412 where its condition says so', async () => {
    const { ETag } = await head('ranges');
    const status = async (more: object) =>
      ((await errorOf(get('ranges', more))) as Error & { $metadata: { httpStatusCode: number } })
        .$metadata.httpStatusCode;
    expect(await status({ IfNoneMatch: ETag })).toBe(304);
    expect(await status({ IfModifiedSince: new Date(Date.now() + 1000) })).toBe(304);
    expect(await status({ IfMatch: '"other"' })).toBe(412);
    expect(await status({ IfUnmodifiedSince: new Date(0) })).toBe(412);
    expect(await textOf('ranges', { IfMatch: ETag })).toBe('0123456789');
    expect(await textOf('ranges', { IfNoneMatch: '"other"' })).toBe('0123456789');
  });

  it('finds the whole old object or the whole new one while it is replaced', async () => {
    const versions = ['a'.repeat(200_000), 'b'.repeat(200_000)] as const;
    await put('swap', versions[0]);
    const writes = (async () => {
      for (let i = 0; i < 20; i++) await put('swap', versions[i % 2 ? 1 : 0]);
    })();
    for (let i = 0; i < 40; i++) expect(versions).toContain(await textOf('swap'));
    await writes;
  });
});

describe('a conditional write', () => {
  it('with If-None-Match creates and never replaces: one of 20 rivals wins', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => put('once', `${i}`, { IfNoneMatch: '*' })),
    );
    const winners = tries.flatMap((one, i) => (one.status === 'fulfilled' ? [`${i}`] : []));
    expect(winners).toEqual([await textOf('once')]);
    expect(await errorOf(put('once', 'late', { IfNoneMatch: '*' }))).toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
  });

  it('with If-Match replaces only what was seen', async () => {
    const first = await put('seen', '1');
    await put('seen', '2', { IfMatch: first.ETag });
    expect(await errorOf(put('seen', '3', { IfMatch: first.ETag }))).toMatchObject({
      name: 'PreconditionFailed',
    });
    expect(await errorOf(put('never', '1', { IfMatch: '"x"' }))).toMatchObject({
      name: 'NoSuchKey',
    });
    expect(await textOf('seen')).toBe('2');
  });

  it('that is refused before its body came leaves the connection usable', async () => {
    const big = randomBytes(3_000_000);
    const refused = put('once', big, { IfNoneMatch: '*', ContentLength: big.length });
    expect(await errorOf(refused)).toMatchObject({ name: 'PreconditionFailed' });
    await put('after', 'fine');
  });
});

describe('an upload that is cut', () => {
  it('leaves neither object nor file', async () => {
    const folder = join(s3.directory, Bucket, 'data');
    const before = await readdir(folder);
    const url = await s3.presign('PUT', 'cut');
    const upload = request(url, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
    upload.on('error', () => {});
    upload.write(randomBytes(400_000));
    await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(before.length + 1));
    upload.destroy();
    await vi.waitFor(async () => expect(await readdir(folder)).toEqual(before));
    expect(await errorOf(head('cut'))).toMatchObject({ name: 'NotFound' });
  });
});

describe('errors', () => {
  it('are those of AWS', async () => {
    expect(await errorOf(get('nothing'))).toMatchObject({ name: 'NoSuchKey' });
    expect(await errorOf(head('nothing'))).toMatchObject({ name: 'NotFound' });
    const elsewhere = s3.client.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'a' }));
    expect(await errorOf(elsewhere)).toMatchObject({ name: 'NoSuchBucket' });
    await s3.client.send(new HeadBucketCommand({ Bucket }));
    const tagging = s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'seen' }));
    expect(await errorOf(tagging)).toMatchObject({
      name: 'NotImplemented',
      message: "The local stand-in of S3 does not serve 'GET tagging' on an object",
    });
    const forged = new S3Client({
      endpoint: s3.endpoint,
      region,
      credentials: { ...credentials, secretAccessKey: 'wrong' },
      maxAttempts: 1,
    });
    const read = forged.send(new GetObjectCommand({ Bucket, Key: 'seen' }));
    expect(await errorOf(read)).toMatchObject({ name: 'SignatureDoesNotMatch' });
    expect((await fetch(`${s3.endpoint}/${Bucket}/seen`)).status).toBe(403);
  });
});
