/** An S3 stand-in on a folder of its own, with the SDK's client and a presigner in front of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import type { BucketOptions } from '../../../local/services/s3/bucket.ts';
import { S3Service } from '../../../local/services/s3/service.ts';
import { encodeRfc3986 } from '../../../local/services/shared/canonical-request.ts';
import { credentials, region, startAwsServer } from '../../helpers/aws-server.ts';

export const Bucket = 'files';

export interface StartOptions {
  directory?: string;
  bucket?: BucketOptions;
  now?: () => number;
}

export async function startS3({ directory, bucket = {}, now }: StartOptions = {}) {
  const faults: unknown[] = [];
  const place = directory ?? (await mkdtemp(join(tmpdir(), 'objects-')));
  const service = new S3Service({ directory: place, now, onError: (error) => faults.push(error) });
  await service.createBucket(Bucket, bucket);
  const server = await startAwsServer(service);
  const client = new S3Client({ endpoint: server.endpoint, region, credentials, maxAttempts: 1 });

  const presign = async (method: string, Key: string, options: PresignOptions = {}) => {
    const { query = {}, headers = {}, expiresIn = 60, signedAt = new Date() } = options;
    const signer = new SignatureV4({
      credentials,
      region,
      service: 's3',
      sha256: client.config.sha256,
      uriEscapePath: false,
      applyChecksum: true,
    });
    const path = `/${Bucket}/${Key.split('/').map(encodeRfc3986).join('/')}`;
    const { host, hostname } = new URL(server.endpoint);
    const signed = await signer.presign(
      {
        method,
        protocol: 'http:',
        hostname,
        path,
        query,
        headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
      },
      {
        expiresIn,
        signingDate: signedAt,
        unhoistableHeaders: new Set(Object.keys(headers)),
        signableHeaders: new Set(['host', ...Object.keys(headers)]),
      },
    );
    const parameters = Object.entries(signed.query ?? {}).map(
      ([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(String(value))}`,
    );
    return `${server.endpoint}${path}?${parameters.join('&')}`;
  };

  return {
    client,
    presign,
    endpoint: server.endpoint,
    directory: place,
    faults,
    async close(keep = false) {
      client.destroy();
      await server.close();
      if (!keep) await rm(place, { recursive: true, force: true });
    },
  };
}

interface PresignOptions {
  query?: Record<string, string>;
  /** Signed as headers, never moved to the query. */
  headers?: Record<string, string>;
  expiresIn?: number;
  signedAt?: Date;
}

export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome?.status !== 'rejected') throw new Error('expected a rejection');
  return outcome.reason as Error;
}
