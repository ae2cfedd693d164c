import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareUtf8 } from '../../../local/services/s3/key-order.ts';
import { S3Service } from '../../../local/services/s3/service.ts';
import { Bucket, errorOf, startS3 } from './fixture.ts';

const DAY_MS = 24 * 3600 * 1000;
type S3 = Awaited<ReturnType<typeof startS3>>;

const put = (s3: S3, Key: string, Body = 'x') =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body }));

async function list(s3: S3, more: Partial<ListObjectsV2CommandInput> = {}) {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let pages = 0;
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.client.send(
      new ListObjectsV2Command({ Bucket, ContinuationToken, ...more }),
    );
    const contents = (page.Contents ?? []).map((object) => object.Key ?? '');
    const common = (page.CommonPrefixes ?? []).map((one) => one.Prefix ?? '');
    expect(page.KeyCount).toBe(contents.length + common.length);
    keys.push(...contents);
    prefixes.push(...common);
    ContinuationToken = page.NextContinuationToken;
    expect(page.IsTruncated).toBe(ContinuationToken !== undefined);
    pages++;
  } while (ContinuationToken !== undefined);
  return { keys, prefixes, pages };
}

describe('a listing', () => {
  let s3: S3;
  const keys = Array.from({ length: 25 }, (_, i) => `l/${i % 3}/${String(i).padStart(3, '0')}`);
  const odd = ['a&b<c>.txt', 'é', '\uffee', '😀', 'top'];
  beforeAll(async () => {
    s3 = await startS3();
    for (const key of [...keys, ...odd]) await put(s3, key);
  });
  afterAll(async () => {
    await s3.close();
    expect(s3.faults).toEqual([]);
  });

  it('has every key once, in the order of its bytes, whatever the size of a page', async () => {
    const expected = [...keys, ...odd]
      .map((key) => Buffer.from(key))
      .toSorted((a, b) => Buffer.compare(a, b))
      .map(String);
    for (const MaxKeys of [1, 7, 1000]) {
      expect((await list(s3, { MaxKeys })).keys).toEqual(expected);
    }
    expect((await list(s3, { EncodingType: 'url' })).keys).toContain('a%26b%3Cc%3E.txt');
  });

  it('keeps to a prefix and begins after a key', async () => {
    expect((await list(s3, { Prefix: 'l/1/', MaxKeys: 3 })).pages).toBe(3);
    expect((await list(s3, { Prefix: 'l/1/' })).keys).toEqual(
      keys.filter((key) => key.startsWith('l/1/')),
    );
    expect((await list(s3, { Prefix: 'l/2/', StartAfter: 'l/2/017' })).keys).toEqual([
      'l/2/020',
      'l/2/023',
    ]);
    expect((await list(s3, { Prefix: 'none' })).keys).toEqual([]);
  });

  it('folds what shares a prefix up to the delimiter, each once over all pages', async () => {
    for (const MaxKeys of [1, 2, 1000]) {
      const folded = await list(s3, { Delimiter: '/', MaxKeys });
      expect(folded.prefixes).toEqual(['l/']);
      expect(folded.keys.toSorted(compareUtf8)).toEqual(odd.toSorted(compareUtf8));
      const inner = await list(s3, { Prefix: 'l/', Delimiter: '/', MaxKeys });
      expect([inner.prefixes, inner.keys]).toEqual([['l/0/', 'l/1/', 'l/2/'], []]);
    }
  });

  it('refuses a token that it has not given', async () => {
    const request = new ListObjectsV2Command({ Bucket, ContinuationToken: '§' });
    expect(await errorOf(s3.client.send(request))).toMatchObject({ name: 'InvalidArgument' });
  });

  it('orders any two keys as their bytes do', () => {
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffee', '😀', '𐀀'),
    });
    fc.assert(
      fc.property(
        key,
        key,
        (a, b) => Math.sign(compareUtf8(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b)),
      ),
    );
  });
});

describe('a multipart upload', () => {
  let s3: S3;
  let directory: string;
  const first = randomBytes(5 * 2 ** 20);
  const last = randomBytes(1000);
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'objects-'));
    s3 = await startS3({ directory });
  });
  afterAll(async () => {
    await s3.close();
    expect(s3.faults).toEqual([]);
  });

  const begin = async (Key: string) => {
    const { UploadId } = await s3.client.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'x/y', Metadata: { a: 'b' } }),
    );
    return { Bucket, Key, UploadId };
  };
  type Upload = Awaited<ReturnType<typeof begin>>;
  const part = async (upload: Upload, PartNumber: number, Body: Buffer) => {
    const { ETag } = await s3.client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  type Part = Awaited<ReturnType<typeof part>>;
  const complete = (upload: Upload, Parts: Part[]) =>
    s3.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));

  it('becomes one object, also over a restart in between and with parts in any order', async () => {
    const upload = await begin('whole');
    const two = await part(upload, 2, last);
    await s3.close(true);
    s3 = await startS3({ directory });
    await part(upload, 1, last);
    const one = await part(upload, 1, first);
    const done = await complete(upload, [one, two]);
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'whole' }));
    expect(got).toMatchObject({ Metadata: { a: 'b' }, ContentType: 'x/y', ETag: done.ETag });
    const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat([first, last]))).toBe(true);
    expect(await errorOf(complete(upload, [one, two]))).toMatchObject({ name: 'NoSuchUpload' });
  });

  it('takes parts by presigned URL', async () => {
    const upload = await begin('signed');
    const query = { partNumber: '1', uploadId: upload.UploadId ?? '' };
    const sent = await fetch(await s3.presign('PUT', 'signed', { query }), {
      method: 'PUT',
      body: 'part',
    });
    await complete(upload, [{ PartNumber: 1, ETag: sent.headers.get('etag') ?? '' }]);
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'signed' }));
    expect(await got.Body?.transformToString()).toBe('part');
  });

  it('refuses parts that are small, unknown, out of order, and an upload that is not there', async () => {
    const upload = await begin('refused');
    const small = await part(upload, 1, last);
    const more = await part(upload, 2, last);
    const refusals = [
      [() => complete(upload, [small, more]), 'EntityTooSmall'],
      [() => complete(upload, [more, small]), 'InvalidPartOrder'],
      [() => complete(upload, [{ ...small, ETag: '"x"' }]), 'InvalidPart'],
      [() => complete({ ...upload, Key: 'other' }, [small]), 'NoSuchUpload'],
      [() => complete({ ...upload, UploadId: '../../x' }, [small]), 'NoSuchUpload'],
    ] as const;
    for (const [refused, name] of refusals)
      expect(await errorOf(refused())).toMatchObject({ name });
    await s3.client.send(new AbortMultipartUploadCommand(upload));
    expect(await errorOf(part(upload, 1, last))).toMatchObject({ name: 'NoSuchUpload' });
    expect(await readdir(join(directory, Bucket, 'uploads'))).toEqual([]);
  });
});

describe('a restart', () => {
  it('keeps objects and clears away what a kill left half done', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'objects-'));
    const one = await startS3({ directory });
    await put(one, 'kept', 'content');
    await one.close(true);
    await writeFile(join(directory, Bucket, 'data', 'half-an-upload'), 'abc');
    await writeFile(join(directory, Bucket, 'objects', 'half.json.new'), '{');

    const two = await startS3({ directory });
    expect((await list(two)).keys).toEqual(['kept']);
    expect(await readdir(join(directory, Bucket, 'data'))).toHaveLength(1);
    expect(await readdir(join(directory, Bucket, 'objects'))).toHaveLength(1);
    await two.close();
  });

  it('ends objects and unfinished uploads that are older than the lifecycle allows', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'objects-'));
    const bucket = { lifecycleDays: 1 };
    let clock = Date.now() - 2 * DAY_MS;
    // Signatures go by the real clock, so the service alone lives in the past.
    const one = await startS3({ directory, bucket, now: () => clock });
    await put(one, 'old');
    await one.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'never finished' }));
    clock = Date.now();
    await put(one, 'new');
    await one.close(true);

    const two = await startS3({ directory, bucket });
    expect((await list(two)).keys).toEqual(['new']);
    expect(await readdir(join(directory, Bucket, 'uploads'))).toEqual([]);
    await two.close();
  });

  it('refuses a bucket name that could be a path', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'objects-'));
    const service = new S3Service({ directory });
    for (const name of ['..', '../x', 'a/b', 'UPPER', 'a..b', 'x']) {
      expect((await errorOf(service.createBucket(name))).message).toContain('is no bucket name');
    }
    await service.close();
    await rm(directory, { recursive: true });
  });
});
