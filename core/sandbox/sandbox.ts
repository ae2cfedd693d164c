/**
 * The sandbox: its record, its states and what each allows.
 *
 *   creating → running → stopping → stopped
 *        └──────────────────┘
 */
import { AppError } from '../../contract/errors.ts';
import type { LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { EndReason, Sandbox } from '../../contract/rest/sandboxes.ts';

/** The task that a sandbox lives in. */
export interface SandboxTask {
  readonly launchId: LaunchId;
  readonly taskArn: string;
  readonly address: string;
}

interface SandboxBase {
  readonly id: SandboxId;
  readonly tenantId: TenantId;
  readonly runtime: string;
  readonly resources: { readonly cpu: number; readonly memoryMb: number; readonly diskGb: number };
  readonly network: { readonly access: 'none' | 'internet' };
  readonly name?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly task: SandboxTask;
  /** For the functions that dial the agent; the agent knows its SHA-256 only. */
  readonly controlToken: string;
  /** For E2B clients. */
  readonly accessToken: string;
  readonly runningExecutions: number;
}

export type SandboxRecord =
  | (SandboxBase & { readonly status: 'creating' })
  | (SandboxBase & { readonly status: 'running'; readonly startedAt: string })
  | (SandboxBase & {
      readonly status: 'stopping';
      readonly startedAt?: string;
      readonly endReason: EndReason;
    })
  | (SandboxBase & {
      readonly status: 'stopped';
      readonly startedAt?: string;
      readonly stoppedAt: string;
      readonly endReason: EndReason;
    });

/** What a caller sees. Tokens and tasks stay inside. */
export function toSandbox(record: SandboxRecord): Sandbox {
  return {
    id: record.id,
    status:
      record.status === 'running' && record.runningExecutions > 0 ? 'executing' : record.status,
    runtime: record.runtime,
    resources: record.resources,
    network: record.network,
    ...(record.name === undefined ? {} : { name: record.name }),
    metadata: record.metadata,
    createdAt: record.createdAt,
    ...('startedAt' in record && record.startedAt ? { startedAt: record.startedAt } : {}),
    expiresAt: record.expiresAt,
    ...(record.status === 'stopped' ? { stoppedAt: record.stoppedAt } : {}),
    ...('endReason' in record ? { endReason: record.endReason } : {}),
    runningExecutions: record.runningExecutions,
  };
}

export const sandboxNotFound = (id: string): AppError =>
  new AppError('SANDBOX_NOT_FOUND', `There is no sandbox ${id}.`, { details: { sandboxId: id } });

/** Another tenant's sandbox does not exist. */
export function ownedBy(
  record: SandboxRecord | undefined,
  tenantId: TenantId,
  id: string,
): SandboxRecord {
  if (record?.tenantId !== tenantId) throw sandboxNotFound(id);
  return record;
}

/** @throws {AppError} SANDBOX_GONE after its end or expiry, INVALID_SANDBOX_STATE before it runs */
export function assertRunning(record: SandboxRecord, now: string): void {
  if (record.status === 'stopping' || record.status === 'stopped') {
    throw new AppError(
      'SANDBOX_GONE',
      `Sandbox ${record.id} has ended (${record.endReason}). Create another one.`,
      {
        details: { sandboxId: record.id, status: record.status, endReason: record.endReason },
      },
    );
  }
  if (record.expiresAt <= now) {
    throw new AppError(
      'SANDBOX_GONE',
      `Sandbox ${record.id} expired at ${record.expiresAt}. Create another one.`,
      {
        details: { sandboxId: record.id, expiresAt: record.expiresAt },
      },
    );
  }
  if (record.status !== 'running') {
    throw new AppError(
      'INVALID_SANDBOX_STATE',
      `Sandbox ${record.id} is ${record.status}; it must be running.`,
      {
        details: { sandboxId: record.id, status: record.status },
      },
    );
  }
}
