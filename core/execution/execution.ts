/**
 * The execution: its record and the lease on its output log. One relay at a time holds the lease
 * and writes; each new holder has a higher epoch.
 *
 *   running → finished | lost
 */
import { AppError } from '../../contract/errors.ts';
import type { Metrics, Outcome } from '../../contract/events.ts';
import type { ContextId, ExecutionId, KeyId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { ExecutionSummary } from '../../contract/rest/executions.ts';
import type { Language } from '../../contract/runtimes.ts';

/**
 * Owns the lease of a process that nobody reads: it waits with its agent, at no cost. Whoever comes to read
 * takes the lease at once; otherwise it lapses with the sandbox, and the pool's minute ends the record.
 */
export const NOBODY = 'nobody';

export interface Lease {
  readonly owner: string;
  readonly epoch: number;
  /** ISO instant; lapsed after it. */
  readonly until: string;
}

interface ExecutionBase {
  readonly id: ExecutionId;
  readonly sandboxId: SandboxId;
  readonly tenantId: TenantId;
  /** Who started it. */
  readonly keyId?: KeyId;
  /** The one that was named. */
  readonly contextId?: ContextId;
  /** Absent for a process and a watch. */
  readonly language?: Language;
  /** Of a process, which has a relay only while somebody reads it. */
  readonly pid?: number;
  /** Of a watch, the same: its directory. */
  readonly watch?: string;
  /** Of a process or watch: somebody reads its log until this instant. */
  readonly readUntil?: string;
  /** Absent for a process without a limit. */
  readonly timeoutMs?: number;
  readonly createdAt: string;
  /** Seq of the last event in the log, as far as the record knows. */
  readonly lastSeq: number;
  readonly truncated: boolean;
  readonly executionCount?: number;
}

export interface ExecutionEnd {
  readonly outcome: Outcome;
  readonly exitCode: number | null;
  readonly metrics: Metrics;
  readonly finishedAt: string;
}

export type ExecutionRecord =
  | (ExecutionBase & { readonly status: 'running'; readonly lease: Lease })
  | (ExecutionBase & ExecutionEnd & { readonly status: 'finished' | 'lost' });

export function toSummary(record: ExecutionRecord): ExecutionSummary {
  return {
    id: record.id,
    sandboxId: record.sandboxId,
    ...(record.contextId === undefined ? {} : { contextId: record.contextId }),
    ...(record.language === undefined ? {} : { language: record.language }),
    ...(record.pid === undefined ? {} : { pid: record.pid }),
    ...(record.watch === undefined ? {} : { watch: record.watch }),
    status: record.status,
    createdAt: record.createdAt,
    truncated: record.truncated,
    lastSeq: record.lastSeq,
    ...(record.executionCount === undefined ? {} : { executionCount: record.executionCount }),
    ...(record.status === 'running'
      ? {}
      : {
          outcome: record.outcome,
          exitCode: record.exitCode,
          metrics: record.metrics,
          finishedAt: record.finishedAt,
        }),
  };
}

/** True of what goes on by itself: it has a relay only while somebody reads it. */
export const isReadOnDemand = ({ pid, watch }: Pick<ExecutionBase, 'pid' | 'watch'>): boolean =>
  pid !== undefined || watch !== undefined;

/** Another tenant's execution does not exist. */
export function ownedBy(
  record: ExecutionRecord | undefined,
  tenantId: TenantId,
  id: string,
): ExecutionRecord {
  if (record?.tenantId !== tenantId) {
    throw new AppError('EXECUTION_NOT_FOUND', `There is no execution ${id}.`, {
      details: { executionId: id },
    });
  }
  return record;
}
