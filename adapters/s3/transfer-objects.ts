/**
 * Objects of files on their way, and presigned URLs for them. The checksum of a PUT is signed as a header:
 * one in the query would be signed and ignored.
 */
import {
  GetObjectCommand,
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { TransferObjects } from '../../core/files/transfer-store.ts';

const CHECKSUM = 'x-amz-checksum-sha256';

/** @param client with `requestChecksumCalculation: 'WHEN_REQUIRED'`, else a checksum of nothing is signed */
export function s3TransferObjects(client: S3Client, bucket: string): TransferObjects {
  return {
    async presignPut(key, { sizeBytes, sha256 }, lifeMs) {
      const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
      const url = await getSignedUrl(
        client,
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          ContentLength: sizeBytes,
          ChecksumSHA256,
        }),
        { expiresIn: lifeMs / 1000, unhoistableHeaders: new Set([CHECKSUM]) },
      );
      return { url, headers: { [CHECKSUM]: ChecksumSHA256 } };
    },

    presignGet(key, lifeMs, name) {
      const object = { Bucket: bucket, Key: key };
      const asked = name === undefined ? {} : { ResponseContentDisposition: attachment(name) };
      const command = new GetObjectCommand({
        ...object,
        ...asked,
        ResponseContentType: 'application/octet-stream',
      });
      return getSignedUrl(client, command, { expiresIn: lifeMs / 1000 });
    },

    async sizeOf(key) {
      try {
        const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return head.ContentLength;
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
  };
}

/** What a sandbox named is never taken for more than a name. */
const attachment = (name: string): string => `attachment; filename*=UTF-8''${encoded(name)}`;

const encoded = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16)}`,
  );
