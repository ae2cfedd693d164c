/**
 * Deletes what a bucket's lifecycle rule says is too old: objects by their last change, uploads by their begin.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from './bucket.ts';
import { uploadStartedAt } from './multipart.ts';

const DAY_MS = 24 * 3600 * 1000;

export async function sweepBucket(bucket: Bucket, now: number): Promise<void> {
  const { lifecycleDays } = bucket.options;
  if (lifecycleDays === undefined) return;
  const limit = now - lifecycleDays * DAY_MS;
  for (const key of bucket.sortedKeys) {
    const object = bucket.get(key);
    if (object && Date.parse(object.lastModified) <= limit) await bucket.delete(key, object);
  }
  for (const id of await readdir(bucket.uploadsDirectory)) {
    const folder = join(bucket.uploadsDirectory, id);
    const startedAt = await uploadStartedAt(folder);
    if (startedAt === undefined || startedAt <= limit) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
