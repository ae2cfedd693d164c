/**
 * Change a sandbox that runs: its expiry, its name, its metadata. A longer life is told to the agent
 * first, whose own deadline would else end it; a shorter one is told to the lifecycle, which would
 * else wait too long. An extension and an expiry never both succeed: the record decides.
 */
import { AppError } from '../../contract/errors.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { Sandbox, UpdateSandboxBody } from '../../contract/rest/sandboxes.ts';
import type { Caller } from '../account/caller.ts';
import { asCallerError, extendAgent } from '../agent/agent.ts';
import type { AgentGateway, Clock, Lifecycle } from '../ports.ts';
import { secondsTo } from './lifecycle-steps.ts';
import { expiryOverdueAt } from './overdue.ts';
import {
  assertRunning,
  ownedBy,
  type RunningSandbox,
  sandboxNotFound,
  targetOf,
  toSandbox,
} from './sandbox.ts';
import type { SandboxChange, SandboxStore } from './sandbox-store.ts';

export interface UpdateSandboxDeps {
  readonly sandboxes: SandboxStore;
  readonly gateway: AgentGateway;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  /** From the creation on, extensions included. */
  readonly maxLifetimeMs: number;
}

const CHANGE_TRIES = 5;

export async function updateSandbox(
  deps: UpdateSandboxDeps,
  { id, body }: { id: SandboxId; body: UpdateSandboxBody },
  caller: Caller,
): Promise<Sandbox> {
  for (let tries = 1; tries <= CHANGE_TRIES; tries++) {
    const changed = await tryUpdate(deps, { id, body }, caller);
    if (changed) return changed;
  }
  throw new AppError(
    'INVALID_SANDBOX_STATE',
    `Sandbox ${id} was changed by others each time that this change was tried. Try again.`,
    { details: { sandboxId: id }, retryAfterSeconds: 1 },
  );
}

/** Undefined where somebody else has moved the expiry meanwhile: whether this one is sooner is not known then. */
async function tryUpdate(
  deps: UpdateSandboxDeps,
  { id, body }: { id: SandboxId; body: UpdateSandboxBody },
  caller: Caller,
): Promise<Sandbox | undefined> {
  const sandbox = ownedBy(await deps.sandboxes.get(id), caller.tenantId, id);
  const now = () => deps.clock.iso(deps.clock.nowMs());
  assertRunning(sandbox, now());
  const expiresAt = newExpiry(deps, sandbox, body.lifetimeMs);
  if (expiresAt !== undefined && expiresAt > sandbox.expiresAt)
    await tellAgent(deps, sandbox, expiresAt);
  // Asked anew: the agent may have taken seconds.
  const at = { now: now(), expiresAt: sandbox.expiresAt };
  const changed = await deps.sandboxes.change(id, at, changeOf(deps, body, expiresAt));
  if (!changed) return assertThere(deps, id);
  if (expiresAt !== undefined && expiresAt < sandbox.expiresAt && changed.lifecycleToken)
    await deps.lifecycle.complete(changed.lifecycleToken, {
      seconds: secondsTo(deps.clock, expiresAt),
    });
  return toSandbox(changed);
}

const changeOf = (
  { clock }: UpdateSandboxDeps,
  { metadata, name }: UpdateSandboxBody,
  expiresAt: string | undefined,
): SandboxChange => ({
  ...(metadata === undefined ? {} : { metadata }),
  ...(name === undefined ? {} : { name }),
  ...(expiresAt === undefined ? {} : { expiresAt, overdueAt: expiryOverdueAt(clock, expiresAt) }),
});

/** @throws {AppError} VALIDATION_ERROR beyond the longest life */
function newExpiry(
  { clock, maxLifetimeMs }: UpdateSandboxDeps,
  { startedAt }: RunningSandbox,
  lifetimeMs: number | undefined,
): string | undefined {
  if (lifetimeMs === undefined) return undefined;
  const expiresMs = clock.nowMs() + lifetimeMs;
  const latestMs = clock.msOf(startedAt) + maxLifetimeMs;
  if (expiresMs <= latestMs) return clock.iso(expiresMs);
  const allowed = Math.max(0, latestMs - clock.nowMs());
  const problem = `must be at most ${allowed} now: a sandbox lives at most ${maxLifetimeMs} ms from its start`;
  throw new AppError('VALIDATION_ERROR', `body: lifetimeMs ${problem}, got ${lifetimeMs}`, {
    details: { in: 'body', problems: [{ field: 'lifetimeMs', problem }] },
  });
}

async function tellAgent(
  { gateway }: UpdateSandboxDeps,
  sandbox: RunningSandbox,
  expiresAt: string,
): Promise<void> {
  try {
    await extendAgent(gateway, targetOf(sandbox), expiresAt);
  } catch (error) {
    throw asCallerError(sandbox.id, error);
  }
}

/** @throws {AppError} where it ended while it was changed: the record says how */
async function assertThere(
  { sandboxes, clock }: UpdateSandboxDeps,
  id: SandboxId,
): Promise<undefined> {
  const sandbox = await sandboxes.get(id);
  if (!sandbox) throw sandboxNotFound(id);
  assertRunning(sandbox, clock.iso(clock.nowMs()));
  return undefined;
}
