/** Segments of the output log: NDJSON, gzip, one object each. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Event } from '../../contract/events.ts';
import type { SegmentStore } from '../../core/output/output-log.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);
/** Far above what a relay puts into one: a largest result and a full segment. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

export function s3SegmentStore(client: S3Client, bucket: string): SegmentStore {
  return {
    async put(key, events) {
      const text = events.map((event) => JSON.stringify(event)).join('\n');
      const Body = await compress(text, { level: 1 });
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body,
          ContentType: 'application/x-ndjson',
          ContentEncoding: 'gzip',
        }),
      );
    },

    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        const bytes = await Body?.transformToByteArray();
        if (!bytes) return undefined;
        const text = (await decompress(bytes, { maxOutputLength: MAX_INFLATED_BYTES })).toString(
          'utf8',
        );
        return text.split('\n').map((line) => Event.parse(JSON.parse(line)));
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
