/** Where transfers and their objects are kept, and how one is set going. */
import type { FileEntry } from '../../contract/agent/files.ts';
import type { DownloadId, UploadId } from '../../contract/ids.ts';
import type { IdempotencyClaim } from '../account/idempotency.ts';
import type { PresignedPut } from '../ports.ts';
import type { TransferRecord } from './transfer.ts';

export type TransferId = UploadId | DownloadId;

export interface TransferStore {
  /** One transaction, with the claim where there is one. False when its idempotency key is taken. */
  put(record: TransferRecord, claim?: IdempotencyClaim): Promise<boolean>;
  get(id: TransferId): Promise<TransferRecord | undefined>;
  /** → copying, on condition that nobody holds the lease at `now` and that it is not done. */
  takeLease(id: TransferId, until: string, now: string): Promise<boolean>;
  /** copying → copying. */
  renewLease(id: TransferId, until: string): Promise<void>;
  /** copying → done or failed; both are the last word on it, but a failed one may be begun again. */
  end(id: TransferId, end: TransferEnd): Promise<void>;
}

export interface TransferEnd {
  readonly state: 'done' | 'failed';
  readonly entry?: FileEntry;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly error?: TransferRecord['error'];
}

/** The transfer bucket: objects live a day. */
export interface TransferObjects {
  /** Takes these bytes and no others. */
  presignPut(
    key: string,
    object: { sizeBytes: number; sha256: string },
    lifeMs: number,
  ): Promise<PresignedPut>;
  /** @param name what a browser calls it */
  presignGet(key: string, lifeMs: number, name?: string): Promise<string>;
  /** Undefined where there is none. */
  sizeOf(key: string): Promise<number | undefined>;
}

/** Starts the copying in a function of its own, which nobody waits for. */
export interface TransferStarter {
  start(id: TransferId): Promise<void>;
}
