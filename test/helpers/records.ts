/** Records for tests: whole and valid, with what a test cares about laid over. */
import { randomBytes } from 'node:crypto';
import type { ExecutionId, KeyId, LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { Caller } from '../../core/account/caller.ts';
import type { ExecutionRecord } from '../../core/execution/execution.ts';
import type { FreeTask, PoolTask } from '../../core/pool/pool-task.ts';
import { DEFAULT_POOL } from '../../core/pool/pool-task.ts';
import type { SandboxRecord } from '../../core/sandbox/sandbox.ts';

const tail = () =>
  [...randomBytes(20)].map((byte) => 'abcdefghijklmnopqrstuvwxyz0123456789'[byte % 36]).join('');

export const sandboxId = () => `sb${tail()}` as SandboxId;
export const executionId = () => `ex${tail()}` as ExecutionId;
export const tenantId = () => `tn${tail()}` as TenantId;
export const launchId = () => `ln${tail()}` as LaunchId;
export const keyId = () => `ky${tail()}` as KeyId;
export const callerOf = (over: Partial<Caller> = {}): Caller => ({
  tenantId: tenantId(),
  keyId: keyId(),
  role: 'admin',
  limits: { liveSandboxes: 1_000, requestsPerSecond: 1_000 },
  ...over,
});
export const iso = (ms: number) => new Date(ms).toISOString();

export function startingTask(seat = 0): Extract<PoolTask, { status: 'starting' }> {
  return {
    launchId: launchId(),
    pool: DEFAULT_POOL,
    seat,
    status: 'starting',
    launchedAt: iso(Date.now()),
  };
}

export const freed = (task: PoolTask): FreeTask => ({
  launchId: task.launchId,
  pool: task.pool,
  seat: task.seat,
  launchedAt: task.launchedAt,
  status: 'free',
  taskArn: `arn:aws:ecs:us-east-1:000000000000:task/cluster/${task.launchId}`,
  address: '127.64.0.9',
});

export function creatingSandbox(task: FreeTask, over: Partial<SandboxRecord> = {}) {
  return {
    id: sandboxId(),
    tenantId: tenantId(),
    status: 'creating',
    runtime: 'python',
    resources: { cpu: 1, memoryMb: 2048, diskGb: 20 },
    network: { access: 'none' },
    metadata: {},
    createdAt: iso(Date.now()),
    expiresAt: iso(Date.now() + 300_000),
    task: { launchId: task.launchId, taskArn: task.taskArn, address: task.address },
    controlToken: 'c'.repeat(64),
    accessToken: 'a'.repeat(64),
    runningExecutions: 0,
    ...over,
  } as Extract<SandboxRecord, { status: 'creating' }>;
}

export function runningExecution(
  sandbox: Pick<SandboxRecord, 'id' | 'tenantId'>,
  over: Partial<Extract<ExecutionRecord, { status: 'running' }>> = {},
): Extract<ExecutionRecord, { status: 'running' }> {
  return {
    id: executionId(),
    sandboxId: sandbox.id,
    tenantId: sandbox.tenantId,
    language: 'python',
    timeoutMs: 30_000,
    createdAt: iso(Date.now()),
    lastSeq: 0,
    truncated: false,
    status: 'running',
    lease: { owner: 'me', epoch: 1, until: iso(Date.now() + 15_000) },
    ...over,
  };
}
