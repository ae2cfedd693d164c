/** A large file out of a sandbox: the copy to the bucket, then its bytes, whose size and SHA-256 must be those of the file. */
import { invalidAnswer } from '../errors.ts';
import type { Api } from '../transport/http.ts';
import { call } from '../transport/retry.ts';
import { getObject } from './objects.ts';
import type { TransferOptions } from './options.ts';
import { sha256 } from './sha256.ts';

export async function download(
  api: Api,
  { sandboxId, path }: { sandboxId: string; path: string },
  options: TransferOptions,
  take: (bytes: Uint8Array) => unknown,
): Promise<void> {
  const { signal } = options;
  let copy = await call(api, 'createDownload', { params: { sandboxId }, body: { path }, signal });
  while (copy.state !== 'done') {
    const params = { sandboxId, downloadId: copy.id };
    copy = await call(api, 'getDownload', { params, signal });
  }
  const { url, sizeBytes: totalBytes, sha256: wanted } = copy;
  if (url === undefined || totalBytes === undefined)
    throw invalidAnswer('The download is done without its URL.');
  const hash = await sha256();
  const doneBytes = await getObject(api, url, { ...options, totalBytes }, async (bytes) => {
    hash.update(bytes);
    await take(bytes);
  });
  if (doneBytes === totalBytes && hash.hex() === wanted) return;
  throw invalidAnswer(`The bytes of ${path} are not those of the file: download it again.`);
}
