/**
 * The sandbox: its record, its states and what each allows.
 *
 *   creating → running → stopping → stopped
 *        └──────────────────┘
 */
import type { UserEnv } from '../../contract/agent/protocol.ts';
import { AppError } from '../../contract/errors.ts';
import type { LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { EndReason, NetworkAccess, Sandbox } from '../../contract/rest/sandboxes.ts';
import { RUNTIMES, runtimeFamily } from '../../contract/runtimes.ts';
import type { AgentTarget } from '../agent/agent.ts';
import type { Pool } from '../pool/pool-task.ts';
import type { AgentAddress } from '../ports.ts';
import type { Size } from './sizes.ts';

/** The task that a sandbox lives in. */
export interface SandboxTask {
  readonly launchId: LaunchId;
  readonly taskArn: string;
  readonly address: AgentAddress;
}

interface SandboxBase {
  readonly id: SandboxId;
  readonly tenantId: TenantId;
  /** Which of its tenant's places it takes. */
  readonly slot: number;
  /** Which of the deployment's: there are as many as sandboxes may live at a time, of all tenants together. */
  readonly deploymentSlot?: number;
  readonly runtime: string;
  readonly resources: Size;
  readonly network: { readonly access: NetworkAccess };
  readonly name?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly lifetimeMs: number;
  /** Of one that is launched: from when it has a task on. */
  readonly expiresAt: string;
  /** For the functions that dial the agent; the agent knows its SHA-256 only. */
  readonly controlToken: string;
  /** For E2B clients. */
  readonly accessToken: string;
  readonly runningExecutions: number;
  /** Of the lifecycle's step that waits at the moment; it may have stopped waiting. */
  readonly lifecycleToken?: string;
  /** Somebody has subscribed to it or to an execution of it. */
  readonly watched?: boolean;
  /** Processes and watches whose records have no end yet; they may have no relay. */
  readonly unread?: number;
}

export type SandboxRecord =
  | (SandboxBase & {
      readonly status: 'creating';
      /** Absent until a launch of its own has one. */
      readonly task?: SandboxTask;
      /** Its own launch; absent when it came from a pool. */
      readonly ownLaunch?: LaunchId;
      readonly estimatedReadyAt?: string;
      /** The caller's, for `/init`; kept no longer than that. */
      readonly env: UserEnv;
    })
  | (SandboxBase & {
      readonly status: 'running';
      readonly task: SandboxTask;
      readonly startedAt: string;
    })
  | (SandboxBase & {
      readonly status: 'stopping';
      readonly task?: SandboxTask;
      readonly ownLaunch?: LaunchId;
      readonly startedAt?: string;
      readonly endReason: EndReason;
      readonly endRequestedAt: string;
    })
  | (SandboxBase & {
      readonly status: 'stopped';
      readonly task?: SandboxTask;
      readonly ownLaunch?: LaunchId;
      readonly startedAt?: string;
      readonly stoppedAt: string;
      readonly endReason: EndReason;
      readonly endRequestedAt: string;
    });

/** One that has its task. */
export type Placed<Record> = Record & { readonly task: SandboxTask };

export type CreatingSandbox = Extract<SandboxRecord, { status: 'creating' }>;
export type RunningSandbox = Extract<SandboxRecord, { status: 'running' }>;
export type EndingSandbox = Extract<SandboxRecord, { status: 'stopping' | 'stopped' }>;

/** It never ran, and not because somebody ended it. */
const FAILURES: ReadonlySet<EndReason> = new Set(['launch_failed', 'init_timeout']);

function statusOf(record: SandboxRecord): Sandbox['status'] {
  if (record.status === 'running' && record.runningExecutions > 0) return 'executing';
  if (record.status === 'stopped' && FAILURES.has(record.endReason)) return 'failed';
  return record.status;
}

/** What a caller sees. Tokens and tasks stay inside. */
export function toSandbox(record: SandboxRecord): Sandbox {
  return {
    id: record.id,
    status: statusOf(record),
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
    ...(record.status === 'creating' && record.estimatedReadyAt
      ? { estimatedReadyAt: record.estimatedReadyAt }
      : {}),
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

/** The pool that could have had a task for it. */
export const poolOf = ({
  runtime,
  resources,
  network,
}: Pick<SandboxBase, 'runtime' | 'resources' | 'network'>): Pool => ({
  imageTarget: RUNTIMES[runtimeFamily(runtime)].imageTarget,
  ...resources,
  network: network.access,
});

export const targetOf = ({
  task,
  controlToken,
}: Pick<RunningSandbox, 'task' | 'controlToken'>): AgentTarget => ({
  address: task.address,
  token: controlToken,
});

/** @throws {AppError} SANDBOX_GONE after its end or expiry */
export function assertLive(
  record: SandboxRecord,
  now: string,
): asserts record is Exclude<SandboxRecord, { status: 'stopping' | 'stopped' }> {
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
}

/** @throws {AppError} SANDBOX_GONE after its end or expiry, INVALID_SANDBOX_STATE before it runs */
export function assertRunning(
  record: SandboxRecord,
  now: string,
): asserts record is RunningSandbox {
  assertLive(record, now);
  if (record.status === 'creating') {
    throw new AppError(
      'INVALID_SANDBOX_STATE',
      `Sandbox ${record.id} is creating; it must be running.`,
      {
        details: {
          sandboxId: record.id,
          status: record.status,
          ...(record.estimatedReadyAt ? { estimatedReadyAt: record.estimatedReadyAt } : {}),
        },
        retryAfterSeconds: 1,
      },
    );
  }
}
