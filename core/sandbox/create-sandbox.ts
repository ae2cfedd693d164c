/**
 * Create a sandbox: one transaction claims a free task, its tenant's slot and the idempotency key;
 * then its lifecycle begins and its agent is initialised, side by side, both safe to repeat. A pool
 * miss is answered at once: the lifecycle launches a task of its own.
 */
import { AppError } from '../../contract/errors.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { CreateSandboxBody, Sandbox } from '../../contract/rest/sandboxes.ts';
import type { Caller } from '../account/caller.ts';
import {
  claimFor,
  earlierResult,
  type IdempotencyKey,
  type IdempotencyStore,
} from '../account/idempotency.ts';
import { refuseWhilePaused } from '../account/pause.ts';
import { type Pool, type PoolRefill, poolKeyOf } from '../pool/pool-task.ts';
import type { AgentGateway, Digest, Lifecycle, SandboxFleet } from '../ports.ts';
import { type ClaimDeps, claimTask } from './claim-task.ts';
import { markPrepared, PREPARE_TRIES, prepareAgent } from './prepare-sandbox.ts';
import { requestEnd } from './request-end.ts';
import { type CreatingSandbox, type Placed, poolOf, toSandbox } from './sandbox.ts';
import { sizeFor } from './sizes.ts';

export interface CreateSandboxDeps extends ClaimDeps {
  readonly idempotency: IdempotencyStore;
  readonly refill: PoolRefill;
  readonly lifecycle: Lifecycle;
  readonly gateway: AgentGateway;
  readonly fleet: Pick<SandboxFleet, 'stop'>;
  readonly digest: Digest;
  /** True where a network with a way out was deployed. */
  readonly internet: boolean;
  readonly defaultLifetimeMs: number;
  readonly maxLifetimeMs: number;
  /** Told of what a caller need not know: the minute's run repairs it. */
  readonly onError: (what: string, error: unknown) => void;
}

export interface Created {
  readonly sandbox: Sandbox;
  /** False while its own task is launched. */
  readonly ready: boolean;
  /** False for what an earlier request under the same key has made. */
  readonly isNew: boolean;
}

export async function createSandbox(
  deps: CreateSandboxDeps,
  { body, asked }: { body: CreateSandboxBody; asked?: IdempotencyKey | undefined },
  caller: Caller,
): Promise<Created> {
  checkRequest(deps, body);
  const earlier = asked && (await earlierResult(deps, asked, caller.tenantId));
  if (earlier !== undefined) return asItIs(deps, earlier);
  refuseWhilePaused(caller);
  const wanted = draft(deps, body, caller);
  const pool = poolOf(wanted);
  const made = { tenantId: caller.tenantId, resultId: wanted.id };
  const idempotency = asked && claimFor(deps.clock, asked, made);
  const { liveSandboxes } = caller.limits;
  const claim = await claimTask(deps, { wanted, pool, idempotency, liveSandboxes });
  // The same request again, and it was first: what it made is there now.
  if (claim.kind === 'key_used') return createSandbox(deps, { body, asked }, caller);
  if (claim.kind === 'miss') {
    await Promise.all([start(deps, claim.sandbox, 'launch'), deps.refill.request()]);
    return { sandbox: toSandbox(claim.sandbox), ready: false, isNew: true };
  }
  const [prepared] = await Promise.all([
    prepareClaimed(deps, claim.sandbox, pool),
    start(deps, claim.sandbox, 'claimed'),
    deps.refill.request(claim.opened),
  ]);
  return { sandbox: await run(deps, prepared), ready: true, isNew: true };
}

/** What the first request made, as it is now. */
async function asItIs(deps: CreateSandboxDeps, resultId: string): Promise<Created> {
  const record = await deps.sandboxes.get(resultId as SandboxId);
  if (!record)
    throw new AppError(
      'SANDBOX_NOT_FOUND',
      `The Idempotency-Key was used for sandbox ${resultId}, whose record is no longer kept. Use another key.`,
      { details: { sandboxId: resultId } },
    );
  return { sandbox: toSandbox(record), ready: record.status !== 'creating', isNew: false };
}

/** A lifecycle that did not begin is begun by the minute's run: what was made is not thrown away. */
async function start(
  deps: CreateSandboxDeps,
  { id, expiresAt }: CreatingSandbox,
  begin: 'claimed' | 'launch',
): Promise<void> {
  try {
    await deps.lifecycle.start({ sandboxId: id, start: begin, expiresAt });
  } catch (error) {
    deps.onError('lifecycle not started', error);
  }
}

/** A task whose agent does not take it becomes BAD, and another is claimed: twice at most. */
async function prepareClaimed(
  deps: CreateSandboxDeps,
  first: Placed<CreatingSandbox>,
  pool: Pool,
): Promise<Placed<CreatingSandbox>> {
  let sandbox = first;
  for (let tries = 1; ; tries++) {
    try {
      await prepareAgent(deps, sandbox);
      return sandbox;
    } catch (error) {
      const bad = sandbox.task;
      try {
        const next = tries < PREPARE_TRIES ? await claimAnother(deps, sandbox, pool) : undefined;
        if (!next) throw await givenUp(deps, sandbox, error);
        sandbox = next;
      } finally {
        // Last: its STOPPED event must not find it as this sandbox's task.
        await deps.fleet.stop(bad.taskArn, 'its agent could not be initialised');
      }
    }
  }
}

async function claimAnother(
  deps: CreateSandboxDeps,
  sandbox: Placed<CreatingSandbox>,
  pool: Pool,
): Promise<Placed<CreatingSandbox> | undefined> {
  const free = await deps.pool.free(poolKeyOf(pool), { from: deps.ids.launch(), limit: 10 });
  for (const task of deps.ids.shuffle(free)) {
    if (await deps.sandboxes.claimAnother(sandbox.id, sandbox.task.launchId, task))
      return { ...sandbox, task };
  }
  return undefined;
}

async function givenUp(
  deps: CreateSandboxDeps,
  sandbox: CreatingSandbox,
  cause: unknown,
): Promise<AppError> {
  const ended = await requestEnd(deps, { id: sandbox.id, reason: 'init_timeout' });
  if (ended && 'endReason' in ended && ended.endReason !== 'init_timeout')
    return endedMeanwhile(sandbox.id);
  return new AppError('CAPACITY_UNAVAILABLE', 'No sandbox could be prepared. Try again.', {
    retryAfterSeconds: 5,
    cause,
  });
}

async function run(deps: CreateSandboxDeps, sandbox: Placed<CreatingSandbox>): Promise<Sandbox> {
  const running = await markPrepared(deps, sandbox);
  if (!running) throw endedMeanwhile(sandbox.id);
  return toSandbox(running);
}

const endedMeanwhile = (sandboxId: string): AppError =>
  new AppError('SANDBOX_GONE', `Sandbox ${sandboxId} ended while it was created.`, {
    details: { sandboxId },
  });

function checkRequest(deps: CreateSandboxDeps, body: CreateSandboxBody): void {
  if (body.network?.access === 'internet' && !deps.internet)
    throw invalid(
      'network.access',
      'must be none: this deployment has no internet for sandboxes',
      body.network.access,
    );
  if ((body.lifetimeMs ?? 0) > deps.maxLifetimeMs)
    throw invalid('lifetimeMs', `must be at most ${deps.maxLifetimeMs}`, body.lifetimeMs);
}

const invalid = (field: string, problem: string, got: unknown): AppError =>
  new AppError('VALIDATION_ERROR', `body: ${field} ${problem}, got ${JSON.stringify(got)}`, {
    details: { in: 'body', problems: [{ field, problem }] },
  });

function draft(deps: CreateSandboxDeps, body: CreateSandboxBody, caller: Caller): CreatingSandbox {
  const now = deps.clock.nowMs();
  const lifetimeMs = body.lifetimeMs ?? deps.defaultLifetimeMs;
  return {
    id: deps.ids.sandbox(),
    tenantId: caller.tenantId,
    slot: 0,
    status: 'creating',
    runtime: body.runtime,
    resources: sizeFor(body.resources),
    network: { access: body.network?.access ?? 'none' },
    ...(body.name === undefined ? {} : { name: body.name }),
    metadata: body.metadata ?? {},
    createdAt: deps.clock.iso(now),
    lifetimeMs,
    expiresAt: deps.clock.iso(now + lifetimeMs),
    controlToken: deps.ids.token(),
    accessToken: deps.ids.token(),
    runningExecutions: 0,
    env: body.env ?? {},
  };
}
