/**
 * A large file on its way into a sandbox or out of one, by way of an object: its record and its states.
 *
 *   upload:    waiting → copying → done, failed      download:  copying → done, failed
 *
 * Whoever copies holds a lease. A copy whose lease has lapsed is taken up by whoever asks again: an upload
 * goes on where the agent says that it stands, a download begins anew.
 */
import type { FileEntry } from '../../contract/agent/files.ts';
import { AppError, type ErrorCode } from '../../contract/errors.ts';
import type { DownloadId, SandboxId, TenantId, UploadId } from '../../contract/ids.ts';
import type { TransferState } from '../../contract/rest/transfers.ts';

interface TransferBase {
  readonly sandboxId: SandboxId;
  readonly tenantId: TenantId;
  readonly path: string;
  readonly createdAt: string;
  readonly state: TransferState;
  /** Present while it is copied. */
  readonly leaseUntil?: string;
  readonly entry?: FileEntry;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

export interface UploadRecord extends TransferBase {
  readonly kind: 'upload';
  readonly id: UploadId;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface DownloadRecord extends TransferBase {
  readonly kind: 'download';
  readonly id: DownloadId;
  readonly sizeBytes?: number;
  readonly sha256?: string;
}

export type TransferRecord = UploadRecord | DownloadRecord;

/** Names nobody can guess, and nothing of the caller's. */
export const objectKey = ({ tenantId, sandboxId, id }: TransferRecord): string =>
  `${tenantId}/${sandboxId}/${id}`;

export const isLapsed = ({ leaseUntil }: TransferRecord, now: string): boolean =>
  leaseUntil === undefined || leaseUntil <= now;

/** Another tenant's transfer does not exist, nor one of another sandbox. */
export function transferOf<K extends TransferRecord['kind']>(
  record: TransferRecord | undefined,
  of: { kind: K; id: string; sandboxId: SandboxId; tenantId: TenantId },
): Extract<TransferRecord, { kind: K }> {
  if (
    record?.tenantId === of.tenantId &&
    record.sandboxId === of.sandboxId &&
    record.kind === of.kind
  )
    return record as Extract<TransferRecord, { kind: K }>;
  throw new AppError('NOT_FOUND', `There is no ${of.kind} ${of.id} in this sandbox.`, {
    details: { [`${of.kind}Id`]: of.id },
  });
}
