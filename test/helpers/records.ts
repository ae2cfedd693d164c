/** Records for tests: whole and valid, with what a test cares about laid over. */
import { randomBytes } from 'node:crypto';
import type { ExecutionId, KeyId, LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { Caller } from '../../core/account/caller.ts';
import type { ExecutionRecord } from '../../core/execution/execution.ts';
import {
  type FreeTask,
  type Pool,
  poolKeyOf,
  type StartingTask,
} from '../../core/pool/pool-task.ts';
import type { CreatingSandbox, Placed } from '../../core/sandbox/sandbox.ts';
import { DEFAULT_SIZE } from '../../core/sandbox/sizes.ts';

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

export const pool: Pool = { imageTarget: 'python', ...DEFAULT_SIZE, network: 'none' };
export const VERSION = 'arn:aws:ecs:us-east-1:000000000000:task-definition/sandbox:1';
export const taskArnOf = (launchId: string) =>
  `arn:aws:ecs:us-east-1:000000000000:task/cluster/${launchId}`;

export function startingTask(seat = 0): StartingTask {
  return {
    launchId: launchId(),
    pool: poolKeyOf(pool),
    seat,
    network: pool.network,
    version: VERSION,
    status: 'starting',
    launchedAt: iso(Date.now()),
  };
}

export const freed = (task: StartingTask): FreeTask => ({
  ...task,
  status: 'free',
  taskArn: taskArnOf(task.launchId),
  address: { host: '127.64.0.9', network: task.network },
});

export function creatingSandbox(
  task: FreeTask,
  over: Partial<CreatingSandbox> = {},
): Placed<CreatingSandbox> {
  return {
    id: sandboxId(),
    tenantId: tenantId(),
    slot: 0,
    status: 'creating',
    runtime: 'python',
    resources: DEFAULT_SIZE,
    network: { access: 'none' },
    metadata: {},
    createdAt: iso(Date.now()),
    lifetimeMs: 300_000,
    expiresAt: iso(Date.now() + 300_000),
    controlToken: 'c'.repeat(64),
    accessToken: 'a'.repeat(64),
    runningExecutions: 0,
    env: {},
    ...over,
    task: { launchId: task.launchId, taskArn: task.taskArn, address: task.address },
  };
}

export function runningExecution(
  sandbox: Pick<CreatingSandbox, 'id' | 'tenantId'>,
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
