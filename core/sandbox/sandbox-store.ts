/** Where sandboxes are kept. Every write is conditional: two callers never both succeed. */
import type { LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import type { IdempotencyClaim } from '../account/idempotency.ts';
import type { FreeTask, PoolKey } from '../pool/pool-task.ts';
import type { DomainEvent } from '../ports.ts';
import type { CreatingSandbox, EndingSandbox, SandboxRecord, SandboxTask } from './sandbox.ts';

export interface Page<T> {
  readonly items: T[];
  readonly cursor: string | null;
}

/** What stood in the way of a creation: nothing was written then. */
export type CreationOutcome =
  | 'created'
  | 'task_taken'
  | 'slot_taken'
  | 'deployment_slot_taken'
  | 'key_used';

/** Whose slots: a tenant's, or those of all tenants together. */
export type SlotOwner = TenantId | 'deployment';

export interface Creation {
  readonly sandbox: CreatingSandbox;
  /** The free task that it takes; undefined when it is launched. */
  readonly task: FreeTask | undefined;
  readonly idempotency: IdempotencyClaim | undefined;
  readonly overdueAt: string;
}

/** One that has not stopped. */
type LiveSandbox = Pick<SandboxRecord, 'id' | 'status'>;

export interface SandboxChange {
  readonly expiresAt?: string;
  readonly overdueAt?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly name?: string;
}

export interface SandboxStore {
  get(id: SandboxId): Promise<SandboxRecord | undefined>;

  /**
   * One transaction: the tenant's slot and the deployment's taken, the sandbox put, its idempotency key; from a pool also
   * the task FREE → CLAIMED and its seat given back.
   */
  create(creation: Creation): Promise<CreationOutcome>;

  /** The slots that live sandboxes take. */
  takenSlots(owner: SlotOwner): Promise<number[]>;

  /** Another task for a sandbox that is still creating: its old task becomes BAD. False when it was taken. */
  claimAnother(id: SandboxId, failed: LaunchId, task: FreeTask): Promise<boolean>;

  /** One transaction: launching → claimed, the sandbox gets the task and its life begins. */
  place(
    id: SandboxId,
    task: SandboxTask & { readonly pool: PoolKey },
    times: { expiresAt: string; overdueAt: string },
  ): Promise<boolean>;

  /** creating → running, overdue from `overdueAt` on; what it was created with is forgotten. False when it is no longer creating. */
  markRunning(id: SandboxId, startedAt: string, overdueAt: string): Promise<boolean>;

  /** One update: the token of the step that waits, and the record as it then is. Undefined when it has stopped. */
  keepToken(id: SandboxId, token: string): Promise<SandboxRecord | undefined>;

  /** Changes one that runs, has not expired at `now` and expires when the caller believes; undefined when it is not so. */
  change(
    id: SandboxId,
    at: { readonly now: string; readonly expiresAt: string },
    change: SandboxChange,
  ): Promise<SandboxRecord | undefined>;

  /** Live sandboxes that should have ended before `now`. */
  overdue(now: string, limit: number): Promise<SandboxRecord[]>;

  /** All that have not stopped, of every tenant; the index that says so may lag. */
  live(): Promise<LiveSandbox[]>;

  /** When a live sandbox is looked at again; nothing where its status is another by now. */
  postpone(sandbox: Pick<SandboxRecord, 'id' | 'status'>, overdueAt: string): Promise<void>;

  /**
   * Sets the reason and `stopping` unless an end is already asked; answers the record as it then is.
   * @param end.expiredAt only if its expiry is not after this; else the record is answered unchanged
   */
  requestEnd(
    id: SandboxId,
    end: { reason: EndReason; at: string; overdueAt: string; expiredAt?: string },
  ): Promise<SandboxRecord | undefined>;

  /**
   * One transaction: stopped, its task's row removed, its slots freed, the event to be told of kept.
   * False when it had already stopped.
   */
  markStopped(sandbox: EndingSandbox, stoppedAt: string, event: DomainEvent): Promise<boolean>;

  /** Newest first. */
  list(
    tenantId: TenantId,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<SandboxRecord>>;
}
