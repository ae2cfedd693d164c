/** Sets a copy going where nobody copies, and waits for its end as long as an answer may take. */
import { AppError, isRetryable } from '../../contract/errors.ts';
import type { Clock } from '../ports.ts';
import { isLapsed, type TransferRecord } from './transfer.ts';
import type { TransferStarter, TransferStore } from './transfer-store.ts';

export interface CopyingDeps {
  readonly transfers: TransferStore;
  readonly starter: TransferStarter;
  readonly clock: Clock;
  /** How long an answer waits for the end. */
  readonly transferWaitMs: number;
  readonly transferLeaseMs: number;
}

const POLL_MS = { first: 40, most: 500 };

/** Done when it answers so, else still copying. @throws {AppError} what the copy failed of */
export async function copyAndWait<R extends TransferRecord>(
  deps: CopyingDeps,
  record: R,
): Promise<R> {
  const began = deps.clock.nowMs();
  await startCopy(deps, record);
  let latest: R = record;
  for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(POLL_MS.most, pauseMs * 1.5)) {
    await deps.clock.sleep(pauseMs);
    latest = ((await deps.transfers.get(record.id)) as R | undefined) ?? latest;
    if (latest.state === 'failed') throw failureOf(latest);
    const isOver = deps.clock.nowMs() - began >= deps.transferWaitMs;
    if (latest.state === 'done' || isOver) return latest;
  }
}

async function startCopy(deps: CopyingDeps, record: TransferRecord): Promise<void> {
  const now = deps.clock.nowMs();
  if (record.state === 'copying' && !isLapsed(record, deps.clock.iso(now))) return;
  const until = deps.clock.iso(now + deps.transferLeaseMs);
  if (await deps.transfers.takeLease(record.id, until, deps.clock.iso(now)))
    await deps.starter.start(record.id);
}

/** What may succeed later is tried again when it is asked for again. */
export function refuseFailed(record: TransferRecord): void {
  if (record.state === 'failed' && !isRetryable(record.error?.code ?? 'INTERNAL_ERROR'))
    throw failureOf(record);
}

const failureOf = ({ error, id }: TransferRecord): AppError =>
  new AppError(error?.code ?? 'INTERNAL_ERROR', error?.message ?? 'The copy failed.', {
    details: { field: 'path', transferId: id },
  });
