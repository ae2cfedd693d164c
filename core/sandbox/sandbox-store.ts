/** Where sandboxes are kept. Every write is conditional: two callers never both succeed. */
import type { LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import type { FreeTask } from '../pool/pool-task.ts';
import type { SandboxRecord } from './sandbox.ts';

export interface Page<T> {
  readonly items: T[];
  readonly cursor: string | null;
}

export interface SandboxStore {
  get(id: SandboxId): Promise<SandboxRecord | undefined>;

  /**
   * One transaction: the task FREE → CLAIMED, its seat in the pool given back, the sandbox put.
   * False when the task was taken by another: nothing is written.
   */
  claim(sandbox: SandboxRecord, task: FreeTask, overdueAt: string): Promise<boolean>;

  /** As {@link claim} for a sandbox that is still creating: its old task becomes BAD. */
  claimAnother(id: SandboxId, failed: LaunchId, task: FreeTask): Promise<boolean>;

  /** creating → running, overdue from `overdueAt` on. False when it is no longer creating. */
  markRunning(id: SandboxId, startedAt: string, overdueAt: string): Promise<boolean>;

  /** Live sandboxes that should have ended before `now`. */
  overdue(now: string, limit: number): Promise<SandboxRecord[]>;

  /** Sets the reason and `stopping` unless an end is already asked; answers the record as it then is. */
  requestEnd(id: SandboxId, reason: EndReason): Promise<SandboxRecord | undefined>;

  /** One transaction: stopped with the reason, the task's row removed. False when already stopped. */
  markStopped(id: SandboxId, launchId: LaunchId, stoppedAt: string): Promise<boolean>;

  /** Newest first. */
  list(
    tenantId: TenantId,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<SandboxRecord>>;
}
