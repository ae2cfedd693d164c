/** Downloads of large files: copied out of the sandbox, then read by a URL that is fresh each time. */
import type { DownloadId, SandboxId } from '../../contract/ids.ts';
import type { Download } from '../../contract/rest/transfers.ts';
import type { Caller } from '../account/caller.ts';
import { copyAndWait, refuseFailed } from './copying.ts';
import { type DownloadRecord, objectKey, transferOf } from './transfer.ts';
import { assertOurs, type UploadsDeps, URL_LIFE_MS } from './uploads.ts';

export async function createDownload(
  deps: UploadsDeps,
  { sandboxId, path }: { sandboxId: SandboxId; path: string },
  caller: Caller,
): Promise<Download> {
  await assertOurs(deps, sandboxId, caller);
  const record: DownloadRecord = {
    kind: 'download',
    id: deps.ids.download(),
    sandboxId,
    tenantId: caller.tenantId,
    path,
    state: 'waiting',
    createdAt: deps.clock.iso(deps.clock.nowMs()),
  };
  await deps.transfers.put(record);
  return toDownload(deps, await copyAndWait(deps, record));
}

export async function getDownload(
  deps: UploadsDeps,
  { sandboxId, downloadId }: { sandboxId: SandboxId; downloadId: DownloadId },
  caller: Caller,
): Promise<Download> {
  const { tenantId } = caller;
  const found = await deps.transfers.get(downloadId);
  const record = transferOf(found, { kind: 'download', id: downloadId, sandboxId, tenantId });
  if (record.state === 'done') return toDownload(deps, record);
  refuseFailed(record);
  await assertOurs(deps, sandboxId, caller);
  return toDownload(deps, await copyAndWait(deps, record));
}

async function toDownload(deps: UploadsDeps, record: DownloadRecord): Promise<Download> {
  const { id, sandboxId, path, state, createdAt, sizeBytes, sha256, error } = record;
  const facts = { id, sandboxId, path, state, createdAt, ...(error ? { error } : {}) };
  if (state !== 'done' || sizeBytes === undefined || sha256 === undefined) return facts;
  const urlExpiresAt = deps.clock.iso(deps.clock.nowMs() + URL_LIFE_MS);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const url = await deps.objects.presignGet(objectKey(record), URL_LIFE_MS, name);
  return { ...facts, sizeBytes, sha256, url, urlExpiresAt };
}
