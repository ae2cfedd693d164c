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
      await deps.fleet.stop(claimed.task.taskArn, 'its agent could not be initialised');
      if (claims === CLAIMS) {
        await abandon(deps, claimed, 'init_timeout');
        throw new AppError('CAPACITY_UNAVAILABLE', 'No sandbox could be prepared. Try again.', {
          retryAfterSeconds: 5,
          cause: error,
        });
      }
    }
    claimed = await claimFree(deps, wanted, claimed);
  }
}

async function run(deps: CreateSandboxDeps, sandbox: Creating): Promise<Sandbox> {
  const startedAt = deps.clock.iso(deps.clock.nowMs());
  if (!(await deps.sandboxes.markRunning(sandbox.id, startedAt))) {
    const now = await deps.sandboxes.get(sandbox.id);
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
  const until = deps.clock.nowMs() + deps.poolWaitMs;
  for (let misses = 0; ; misses++) {
    for (const task of deps.ids.shuffle(await deps.pool.free(DEFAULT_POOL, CANDIDATES))) {
      const claimed = withTask(wanted, task);
      const done = failed
        ? await deps.sandboxes.claimAnother(failed.id, failed.task.launchId, task)
        : await deps.sandboxes.claim(claimed, task);
      if (done) return claimed;
    }
    if (misses === 0) await deps.refill.request();
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
