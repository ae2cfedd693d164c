/** Where executions are kept. Leases and ends are conditional on the epoch. */
import type { ExecutionId, KeyId, SandboxId } from '../../contract/ids.ts';
import type { IdempotencyClaim } from '../account/idempotency.ts';
import type { OutputRow } from '../output/output-log.ts';
import type { Page } from '../sandbox/sandbox-store.ts';
import type { ExecutionEnd, ExecutionRecord, Lease } from './execution.ts';

export interface FinishedExecution extends ExecutionEnd {
  readonly status: 'finished' | 'lost';
  readonly lastSeq: number;
  readonly truncated: boolean;
  readonly executionCount?: number;
  /** Whose use it counts as. */
  readonly keyId?: KeyId;
}

export interface ExecutionStore {
  /**
   * One transaction: the execution put, the sandbox's count raised, on condition that the sandbox
   * runs, has not expired at `createdAt` and has fewer than its limit. False when it is not so.
   */
  start(
    execution: Extract<ExecutionRecord, { status: 'running' }>,
    maxRunning: number,
  ): Promise<boolean>;

  /** As {@link start}, with the claim in the same transaction: `claimed` when the key is taken. */
  startOnce(
    execution: Extract<ExecutionRecord, { status: 'running' }>,
    maxRunning: number,
    claim: IdempotencyClaim,
  ): Promise<'started' | 'refused' | 'claimed'>;

  /**
   * One transaction: the record of a process put, its sandbox marked as one that has some. Again it changes
   * nothing. False when the sandbox no longer runs.
   */
  startProcess(execution: Extract<ExecutionRecord, { status: 'running' }>): Promise<boolean>;

  get(id: ExecutionId): Promise<ExecutionRecord | undefined>;

  /** Of a process that runs: its log is read until then. */
  noteReader(id: ExecutionId, until: string): Promise<void>;

  /** Undoes {@link start} or {@link startOnce} for an execution that never reached its agent. */
  discard(id: ExecutionId, sandboxId: SandboxId, claim?: IdempotencyClaim): Promise<void>;

  /** Takes a lapsed or released lease, or one of {@link NOBODY}: the next epoch, still running, `until` before `now`. */
  takeLease(id: ExecutionId, lease: Lease, now: string): Promise<boolean>;

  /** Moves `until` of the holder's own epoch; a release moves it into the past, or gives it to {@link NOBODY}. */
  renewLease(id: ExecutionId, lease: Lease): Promise<boolean>;

  /**
   * One transaction: the last row, the end, the sandbox's count lowered where it was counted. `lost` when the epoch has
   * passed; `watched` when it was to be written only in a sandbox that nobody has watched.
   */
  finish(
    id: ExecutionId,
    sandboxId: SandboxId,
    epoch: number,
    end: FinishedExecution,
    row: OutputRow,
    condition: { unlessWatched: boolean; uncounted?: boolean },
  ): Promise<'ended' | 'watched' | 'lost'>;

  /** Newest first. */
  list(
    sandboxId: SandboxId,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<ExecutionRecord>>;

  /** Running executions whose lease lapsed before `now`. */
  lapsed(now: string, limit: number): Promise<Extract<ExecutionRecord, { status: 'running' }>[]>;
}
