/** What agent-gateway carries to and from the transfer bucket, and that it sends nothing anywhere else. */
import { createHash } from 'node:crypto';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3TransferObjects } from '../../../adapters/s3/transfer-objects.ts';
import { TransferBucket } from '../../../lambdas/agent-gateway/transfer-bucket.ts';
import { credentials, region } from '../../helpers/aws-server.ts';
import { Bucket, startS3 } from '../s3/fixture.ts';

const HOST = `${Bucket}.s3.eu-west-1.amazonaws.com`;
const content = Buffer.from('0123456789');
const sha256 = createHash('sha256').update(content).digest('hex');

let s3: Awaited<ReturnType<typeof startS3>>;
let objects: ReturnType<typeof s3TransferObjects>;
let bucket: TransferBucket;
beforeAll(async () => {
  s3 = await startS3();
  const { endpoint } = s3;
  const client = new S3Client({
    endpoint,
    region,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  objects = s3TransferObjects(client, Bucket);
  bucket = new TransferBucket({ TRANSFER_HOST: HOST, AWS_ENDPOINT_URL: endpoint });
});
afterAll(() => s3.close());

/** An answer as an agent gives it. */
async function answerOf(text: string): Promise<IncomingMessage> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': text.length }).end(text);
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => get({ host: '127.0.0.1', port }, resolve));
}

const put = () => objects.presignPut('a/b', { sizeBytes: content.length, sha256 }, 60_000);

describe('the transfer bucket', () => {
  it('takes the announced bytes and no others, and gives any part of them', async () => {
    const sink = { ...(await put()), sizeBytes: content.length };
    expect(await bucket.store(sink, await answerOf('987654321X'), 1_000)).toBe(400);
    await expect(bucket.store(sink, await answerOf('short'), 1_000)).rejects.toThrow(
      'another size',
    );
    expect(await objects.sizeOf('a/b')).toBeUndefined();
    expect(await bucket.store(sink, await answerOf(String(content)), 1_000)).toBe(200);
    expect(await objects.sizeOf('a/b')).toBe(content.length);
    const url = await objects.presignGet('a/b', 60_000);
    const part = await bucket.open({ url, from: 2, to: 4 }, 1_000);
    if (typeof part === 'number') throw new Error(`answered ${part}`);
    expect([part.sizeBytes, String(await buffer(part.stream))]).toEqual([3, '234']);
    expect(await bucket.open({ url, from: 8, to: 12 }, 1_000)).toBe(206);
    const missing = await objects.presignGet('none', 60_000);
    expect(await bucket.open({ url: missing, from: 0, to: 1 }, 1_000)).toBe(404);
    expect(await bucket.open({ url: url.replace(/.$/, 'x'), from: 0, to: 1 }, 1_000)).toBe(403);
  });
});

describe('a URL of any other place', () => {
  const onAws = new TransferBucket({ TRANSFER_HOST: HOST });
  it.each([
    `http://${HOST}/a`,
    `https://${HOST}:8443/a`,
    `https://user@${HOST}/a`,
    `https://${HOST}.example.com/a`,
    `https://example.com/${HOST}/a`,
    'https://other.s3.eu-west-1.amazonaws.com/a',
    `https://s3.eu-west-1.amazonaws.com/${Bucket}/a`,
    'http://169.254.170.2/v2/credentials',
    'http://127.0.0.1:9001/2018-06-01/runtime/invocation/next',
    'http://[::1]/a',
    'file:///etc/passwd',
  ])('is refused before anything is sent: %s', async (url) => {
    await expect(onAws.open({ url, from: 0, to: 1 }, 1_000)).rejects.toThrow(/another host/);
  });

  it('is refused on a stand-in too: other buckets, other ports', async () => {
    for (const url of [
      `${s3.endpoint}/other/a`,
      `${s3.endpoint}/${Bucket}x/a`,
      'http://127.0.0.1:1/files/a',
    ])
      await expect(bucket.open({ url, from: 0, to: 1 }, 1_000)).rejects.toThrow(/another host/);
  });
});
