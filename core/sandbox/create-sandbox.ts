/**
 * Create a sandbox from a free task: claim by transaction, `/init`, running. A pool miss waits a
 * while for a task to become free. A task whose `/init` fails becomes BAD and another is claimed,
 * twice at most.
 */
import type { InitRequest } from '../../contract/agent/protocol.ts';
import { AppError } from '../../contract/errors.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { CreateSandboxBody, EndReason, Sandbox } from '../../contract/rest/sandboxes.ts';
import type { Caller } from '../account/caller.ts';
import { initAgent } from '../agent/agent.ts';
import { DEFAULT_POOL, type FreeTask, type PoolRefill, type PoolStore } from '../pool/pool-task.ts';
import type { AgentGateway, Clock, Digest, Ids, SandboxFleet } from '../ports.ts';
import { creationOverdueMs, expiryOverdueMs } from './end-overdue.ts';
import { type SandboxRecord, toSandbox } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface CreateSandboxDeps {
  readonly sandboxes: SandboxStore;
  readonly pool: PoolStore;
  readonly refill: PoolRefill;
  readonly gateway: AgentGateway;
  readonly fleet: Pick<SandboxFleet, 'stop'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly digest: Digest;
  /** How long a pool miss waits for a free task. */
  readonly poolWaitMs: number;
  readonly defaultLifetimeMs: number;
  readonly maxLifetimeMs: number;
}

type Creating = Extract<SandboxRecord, { status: 'creating' }>;
/** A record that only a claim can complete: it gives the task. */
type Draft = Omit<Creating, 'task'>;

/** API Gateway waits 29 s: an answer, good or bad, comes before. */
const CREATE_MS = 18_000;
const MISS_POLL_MS = 100;
const CANDIDATES = 10;
const CLAIMS = 3;

export async function createSandbox(
  deps: CreateSandboxDeps,
  body: CreateSandboxBody,
  caller: Caller,
): Promise<Sandbox> {
  checkRequest(deps, body);
  const sandbox = await claimAndInit(deps, body, draft(deps, body, caller));
  return run(deps, sandbox);
}

async function claimAndInit(
  deps: CreateSandboxDeps,
  body: CreateSandboxBody,
  wanted: Draft,
): Promise<Creating> {
  let claimed = await claimFree(deps, wanted, undefined);
  for (let claims = 1; ; claims++) {
    try {
      await Promise.all([
        initAgent(deps.gateway, claimed.task.address, initRequest(deps, claimed, body)),
        deps.refill.request(),
      ]);
      return claimed;
    } catch (error) {
      claimed = await claimInPlaceOf(deps, wanted, {
        bad: claimed,
        error,
        last: claims === CLAIMS,
      });
    }
  }
}

/** The bad task is stopped last: its STOPPED event must not find it as this sandbox's task. */
async function claimInPlaceOf(
  deps: CreateSandboxDeps,
  wanted: Draft,
  { bad, error, last }: { bad: Creating; error: unknown; last: boolean },
): Promise<Creating> {
  try {
    if (!last) return await claimFree(deps, wanted, bad);
    await abandon(deps, bad, 'init_timeout');
    throw new AppError('CAPACITY_UNAVAILABLE', 'No sandbox could be prepared. Try again.', {
      retryAfterSeconds: 5,
      cause: error,
    });
  } finally {
    await deps.fleet.stop(bad.task.taskArn, 'its agent could not be initialised');
  }
}

async function run(deps: CreateSandboxDeps, sandbox: Creating): Promise<Sandbox> {
  const startedAt = deps.clock.iso(deps.clock.nowMs());
  const overdueAt = deps.clock.iso(expiryOverdueMs(deps.clock.msOf(sandbox.expiresAt)));
  if (!(await deps.sandboxes.markRunning(sandbox.id, startedAt, overdueAt))) {
    const now = await deps.sandboxes.get(sandbox.id);
    // An answer that was lost and asked for again.
    if (now?.status === 'running') return toSandbox(now);
    throw new AppError('SANDBOX_GONE', `Sandbox ${sandbox.id} ended while it was created.`, {
      details: {
        sandboxId: sandbox.id,
        ...(now && 'endReason' in now ? { endReason: now.endReason } : {}),
      },
    });
  }
  return toSandbox({ ...sandbox, status: 'running', startedAt });
}

function checkRequest(deps: CreateSandboxDeps, body: CreateSandboxBody): void {
  if (body.network?.access === 'internet') {
    throw new AppError(
      'VALIDATION_ERROR',
      'body: network.access must be none: this deployment has no internet for sandboxes, got "internet"',
      {
        details: {
          in: 'body',
          problems: [
            {
              field: 'network.access',
              problem: 'must be none: this deployment has no internet for sandboxes',
            },
          ],
        },
      },
    );
  }
  if ((body.lifetimeMs ?? 0) > deps.maxLifetimeMs) {
    throw new AppError(
      'VALIDATION_ERROR',
      `body: lifetimeMs must be at most ${deps.maxLifetimeMs}, got ${body.lifetimeMs}`,
      {
        details: {
          in: 'body',
          problems: [{ field: 'lifetimeMs', problem: `must be at most ${deps.maxLifetimeMs}` }],
        },
      },
    );
  }
}

function draft(deps: CreateSandboxDeps, body: CreateSandboxBody, caller: Caller): Draft {
  const now = deps.clock.nowMs();
  return {
    id: deps.ids.sandbox(),
    tenantId: caller.tenantId,
    status: 'creating',
    runtime: body.runtime,
    resources: {
      cpu: LIMITS.cpu.default,
      memoryMb: LIMITS.memoryMb.default,
      diskGb: LIMITS.diskGb.default,
    },
    network: { access: 'none' },
    ...(body.name === undefined ? {} : { name: body.name }),
    metadata: body.metadata ?? {},
    createdAt: deps.clock.iso(now),
    expiresAt: deps.clock.iso(now + (body.lifetimeMs ?? deps.defaultLifetimeMs)),
    controlToken: deps.ids.token(),
    accessToken: deps.ids.token(),
    runningExecutions: 0,
  };
}

const initRequest = (
  deps: CreateSandboxDeps,
  sandbox: Creating,
  body: CreateSandboxBody,
): InitRequest => ({
  sandboxId: sandbox.id,
  taskId: sandbox.task.taskArn.slice(sandbox.task.taskArn.lastIndexOf('/') + 1),
  tokenSha256: deps.digest.sha256(sandbox.controlToken),
  accessTokenSha256: deps.digest.sha256(sandbox.accessToken),
  env: body.env ?? {},
  expiresAt: sandbox.expiresAt,
});

/**
 * @param failed the claim before, whose task turned out bad
 * @throws {AppError} CAPACITY_UNAVAILABLE when nothing became free in time
 */
async function claimFree(
  deps: CreateSandboxDeps,
  wanted: Draft,
  failed: Creating | undefined,
): Promise<Creating> {
  const createdMs = deps.clock.msOf(wanted.createdAt);
  const until = Math.min(deps.clock.nowMs() + deps.poolWaitMs, createdMs + CREATE_MS);
  const overdueAt = deps.clock.iso(creationOverdueMs(createdMs));
  for (let misses = 0; ; misses++) {
    for (const task of deps.ids.shuffle(await deps.pool.free(DEFAULT_POOL, CANDIDATES))) {
      const claimed = withTask(wanted, task);
      const done = failed
        ? await deps.sandboxes.claimAnother(failed.id, failed.task.launchId, task)
        : await deps.sandboxes.claim(claimed, task, overdueAt);
      if (done) return claimed;
    }
    if (misses === 0) await deps.refill.request();
    if (failed) await assertCreating(deps, failed);
    if (deps.clock.nowMs() >= until) {
      if (failed) await abandon(deps, failed, 'launch_failed');
      throw new AppError(
        'CAPACITY_UNAVAILABLE',
        `No sandbox became free within ${deps.poolWaitMs} ms. Try again.`,
        {
          retryAfterSeconds: 5,
        },
      );
    }
    await deps.clock.sleep(MISS_POLL_MS);
  }
}

/** A sandbox that was ended meanwhile takes no other task. */
async function assertCreating(deps: CreateSandboxDeps, { id }: Creating): Promise<void> {
  const now = await deps.sandboxes.get(id);
  if (now?.status === 'creating') return;
  throw new AppError('SANDBOX_GONE', `Sandbox ${id} ended while it was created.`, {
    details: { sandboxId: id },
  });
}

async function abandon(
  deps: CreateSandboxDeps,
  sandbox: Creating,
  reason: EndReason,
): Promise<void> {
  await deps.sandboxes.requestEnd(sandbox.id, reason);
  await deps.sandboxes.markStopped(
    sandbox.id,
    sandbox.task.launchId,
    deps.clock.iso(deps.clock.nowMs()),
  );
}

const withTask = (wanted: Draft, task: FreeTask): Creating => ({
  ...wanted,
  task: { launchId: task.launchId, taskArn: task.taskArn, address: task.address },
});
