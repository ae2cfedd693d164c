/** Uploads of large files: begun with a URL for the bytes, completed by copying them into the sandbox. */
import { AppError } from '../../contract/errors.ts';
import { type SandboxId, UploadId } from '../../contract/ids.ts';
import type { NewUpload, Upload } from '../../contract/rest/transfers.ts';
import type { Caller } from '../account/caller.ts';
import {
  claimFor,
  earlierResult,
  type IdempotencyKey,
  type IdempotencyStore,
} from '../account/idempotency.ts';
import type { Ids } from '../ports.ts';
import { assertRunning, ownedBy } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { type CopyingDeps, copyAndWait, refuseFailed } from './copying.ts';
import { objectKey, transferOf, type UploadRecord } from './transfer.ts';
import type { TransferObjects } from './transfer-store.ts';

export interface UploadsDeps extends CopyingDeps {
  readonly sandboxes: SandboxStore;
  readonly objects: TransferObjects;
  readonly idempotency: IdempotencyStore;
  readonly ids: Ids;
}

/** Of a URL. */
export const URL_LIFE_MS = 3_600_000;

export interface CreateUploadInput {
  readonly sandboxId: SandboxId;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export async function createUpload(
  deps: UploadsDeps,
  { input, asked }: { input: CreateUploadInput; asked?: IdempotencyKey | undefined },
  caller: Caller,
): Promise<NewUpload> {
  const earlier = asked && (await earlierResult(deps, asked, caller.tenantId));
  if (earlier !== undefined) return asItIs(deps, UploadId.parse(earlier), input, caller);
  await assertOurs(deps, input.sandboxId, caller);
  const record: UploadRecord = {
    ...input,
    kind: 'upload',
    id: deps.ids.upload(),
    tenantId: caller.tenantId,
    state: 'waiting',
    createdAt: deps.clock.iso(deps.clock.nowMs()),
  };
  const claim =
    asked && claimFor(deps.clock, asked, { tenantId: caller.tenantId, resultId: record.id });
  if (await deps.transfers.put(record, claim)) return withUrl(deps, record);
  // The same request again, and it was first: what it began is there now.
  return createUpload(deps, { input, asked }, caller);
}

/** What the first request began, as it is now, with a fresh URL. */
async function asItIs(
  deps: UploadsDeps,
  id: UploadId,
  { sandboxId }: CreateUploadInput,
  { tenantId }: Caller,
): Promise<NewUpload> {
  const found = await deps.transfers.get(id);
  return withUrl(deps, transferOf(found, { kind: 'upload', id, sandboxId, tenantId }));
}

async function withUrl(deps: UploadsDeps, record: UploadRecord): Promise<NewUpload> {
  const nowMs = deps.clock.nowMs();
  const put = await deps.objects.presignPut(objectKey(record), record, URL_LIFE_MS);
  return { ...toUpload(record), ...put, urlExpiresAt: deps.clock.iso(nowMs + URL_LIFE_MS) };
}

/** Done when it answers so; else it goes on by itself and is asked for again. */
export async function completeUpload(
  deps: UploadsDeps,
  { sandboxId, uploadId }: { sandboxId: SandboxId; uploadId: UploadId },
  caller: Caller,
): Promise<Upload> {
  const { tenantId } = caller;
  const found = await deps.transfers.get(uploadId);
  const record = transferOf(found, { kind: 'upload', id: uploadId, sandboxId, tenantId });
  if (record.state === 'done') return toUpload(record);
  refuseFailed(record);
  await assertOurs(deps, sandboxId, caller);
  if ((await deps.objects.sizeOf(objectKey(record))) === undefined) throw notSent(uploadId);
  return toUpload(await copyAndWait(deps, record));
}

export async function assertOurs(
  { sandboxes, clock }: Pick<UploadsDeps, 'sandboxes' | 'clock'>,
  id: SandboxId,
  { tenantId }: Caller,
): Promise<void> {
  assertRunning(ownedBy(await sandboxes.get(id), tenantId, id), clock.iso(clock.nowMs()));
}

const notSent = (uploadId: string): AppError =>
  new AppError(
    'VALIDATION_ERROR',
    `Upload ${uploadId} has no bytes yet: PUT them to its url with its headers, then complete it.`,
    { details: { field: 'uploadId', uploadId } },
  );

function toUpload(record: UploadRecord): Upload {
  const { id, sandboxId, path, state, createdAt, sizeBytes, sha256, entry, error } = record;
  return {
    id,
    sandboxId,
    path,
    state,
    createdAt,
    sizeBytes,
    sha256,
    ...(entry ? { file: entry } : {}),
    ...(error ? { error } : {}),
  };
}
