/** A large file into a sandbox: its SHA-256, its bytes to the bucket, and the copy until it is there. */
import type { FileEntry } from '../../../../contract/agent/files.ts';
import { invalidAnswer } from '../errors.ts';
import type { Api } from '../transport/http.ts';
import { call } from '../transport/retry.ts';
import { again, eachChunk, putObject } from './objects.ts';
import type { TransferOptions } from './options.ts';
import { sha256 } from './sha256.ts';

export async function upload(
  api: Api,
  { sandboxId, path }: { sandboxId: string; path: string },
  blob: Blob,
  options: TransferOptions,
): Promise<FileEntry> {
  const { signal, onProgress } = options;
  const hash = await sha256();
  await eachChunk(blob, options, (bytes) => hash.update(bytes));
  const totalBytes = blob.size;
  const body = { path, sizeBytes: totalBytes, sha256: hash.hex() };
  // Under a key of this call's own, so that a lost answer begins no second one.
  const idempotencyKey = crypto.randomUUID();
  const begin = { params: { sandboxId }, body, signal, idempotencyKey };
  const begun = await call(api, 'createUpload', begin);
  await putObject(api, begun, blob, options);
  const params = { sandboxId, uploadId: begun.id };
  onProgress?.({ step: 'copying', doneBytes: 0, totalBytes });
  for (;;) {
    // Asked for again it goes on with the same copy, so a lost answer costs nothing.
    const { state, file } = await again(api, options, () =>
      call(api, 'completeUpload', { params, signal }),
    );
    if (state !== 'done') continue;
    if (file?.sizeBytes !== totalBytes) throw invalidAnswer('The upload is done without its file.');
    onProgress?.({ step: 'copying', doneBytes: totalBytes, totalBytes });
    return file;
  }
}
