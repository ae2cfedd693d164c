import { createHash } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bucket, startS3 } from './fixture.ts';

let s3: Awaited<ReturnType<typeof startS3>>;
beforeAll(async () => {
  const corsRules = [
    {
      AllowedOrigins: ['https://*.example.com'],
      AllowedMethods: ['GET', 'PUT'],
      AllowedHeaders: ['content-type', 'x-amz-*'],
      ExposedHeaders: ['ETag'],
      MaxAge: 600,
    },
  ];
  s3 = await startS3({ bucket: { corsRules } });
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'dir/a b', Body: 'content' }));
});
afterAll(async () => {
  await s3.close();
  expect(s3.faults).toEqual([]);
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');
const codeOf = async (response: Response) => /<Code>(.*)<\/Code>/.exec(await response.text())?.[1];
const stored = async (Key: string) => {
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key }));
  return got.Body?.transformToString();
};

describe('a presigned GET', () => {
  it('reads, with the headers that the signer chose', async () => {
    const url = await s3.presign('GET', 'dir/a b', {
      query: {
        'response-content-disposition': 'attachment; filename="y.txt"',
        'response-content-type': 'text/x-y',
      },
    });
    const got = await fetch(url);
    expect([got.status, await got.text()]).toEqual([200, 'content']);
    expect(got.headers.get('content-disposition')).toBe('attachment; filename="y.txt"');
    expect(got.headers.get('content-type')).toBe('text/x-y');
    const partly = await fetch(url, { headers: { range: 'bytes=0-2' } });
    expect([partly.status, await partly.text()]).toEqual([206, 'con']);
  });

  it('is refused when it is expired, tampered with or used for another method', async () => {
    const signedAt = new Date(Date.now() - 61_000);
    const expired = await fetch(await s3.presign('GET', 'dir/a b', { signedAt }));
    expect([expired.status, await codeOf(expired)]).toEqual([403, 'AccessDenied']);
    const url = await s3.presign('GET', 'dir/a b');
    for (const other of [
      await fetch(url.replace('a%20b', 'a%20c')),
      await fetch(`${url}&response-content-type=text%2Fhtml`),
      await fetch(url, { method: 'DELETE' }),
    ]) {
      expect([other.status, await codeOf(other)]).toEqual([403, 'SignatureDoesNotMatch']);
    }
    const unsigned = await fetch(url, { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
    expect([unsigned.status, await codeOf(unsigned)]).toEqual([403, 'AccessDenied']);
  });

  it('refuses an override that no header can carry', async () => {
    const query = { 'response-content-disposition': 'attachment\r\nset-cookie: a=b' };
    const got = await fetch(await s3.presign('GET', 'dir/a b', { query }));
    expect([got.status, await codeOf(got)]).toEqual([400, 'InvalidArgument']);
  });
});

describe('a presigned PUT', () => {
  it('holds the body to the length and the checksum that were signed as headers', async () => {
    const body = 'exactly this';
    const headers = {
      'content-length': `${body.length}`,
      'content-type': 'image/png',
      'x-amz-checksum-sha256': sha256(body),
    };
    const url = await s3.presign('PUT', 'exact', { headers });
    const send = (text: string) => fetch(url, { method: 'PUT', body: text, headers });
    const other = await send('exactly that');
    expect([other.status, await codeOf(other)]).toEqual([400, 'BadDigest']);
    const { 'content-length': _, ...unsized } = headers;
    const longer = await fetch(url, { method: 'PUT', body: `${body}!`, headers: unsized });
    expect([longer.status, await codeOf(longer)]).toEqual([403, 'SignatureDoesNotMatch']);
    const good = await send(body);
    expect(good.status).toBe(200);
    expect(good.headers.get('x-amz-checksum-sha256')).toBe(sha256(body));
    expect(await stored('exact')).toBe(body);
  });

  it('ignores a checksum in the query, as S3 does', async () => {
    const query = {
      'x-amz-checksum-sha256': sha256('other'),
      'x-amz-sdk-checksum-algorithm': 'SHA256',
    };
    const url = await s3.presign('PUT', 'hoisted', { query });
    const answer = await fetch(url, { method: 'PUT', body: 'whatever' });
    expect(answer.status).toBe(200);
    expect(await stored('hoisted')).toBe('whatever');
  });

  it('needs a length', async () => {
    const url = await s3.presign('PUT', 'endless');
    const body = ReadableStream.from([new TextEncoder().encode('abc')]);
    const answer = await fetch(url, { method: 'PUT', body, duplex: 'half' });
    expect([answer.status, await codeOf(answer)]).toEqual([411, 'MissingContentLength']);
  });
});

describe('cross-origin rules', () => {
  const preflight = (origin: string, method: string, headers = 'content-type') =>
    fetch(`${s3.endpoint}/${Bucket}/any`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      },
    });

  it('answer a preflight of an allowed origin, method and headers', async () => {
    const allowed = await preflight('https://app.example.com', 'PUT', 'Content-Type, x-amz-meta-a');
    expect(allowed.status).toBe(200);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'Content-Type, x-amz-meta-a',
      'access-control-max-age': '600',
    });
    for (const refused of [
      await preflight('https://example.org', 'PUT'),
      await preflight('https://app.example.com', 'DELETE'),
      await preflight('https://app.example.com', 'PUT', 'x-other'),
    ]) {
      expect(refused.status).toBe(403);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('mark answers, errors too, for an allowed origin', async () => {
    const headers = { origin: 'https://app.example.com' };
    const found = await fetch(await s3.presign('GET', 'dir/a b'), { headers });
    const missing = await fetch(await s3.presign('GET', 'nothing'), { headers });
    for (const answer of [found, missing]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe(headers.origin);
      expect(answer.headers.get('access-control-expose-headers')).toBe('ETag');
    }
    const foreign = await fetch(await s3.presign('GET', 'dir/a b'), {
      headers: { origin: 'https://x' },
    });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });
});
