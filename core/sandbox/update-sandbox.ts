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

export async function updateSandbox(
  deps: UpdateSandboxDeps,
  { id, body }: { id: SandboxId; body: UpdateSandboxBody },
  caller: Caller,
): Promise<Sandbox> {
  const sandbox = ownedBy(await deps.sandboxes.get(id), caller.tenantId, id);
  const now = () => deps.clock.iso(deps.clock.nowMs());
  assertRunning(sandbox, now());
  const expiresAt = newExpiry(deps, sandbox, body.lifetimeMs);
  if (expiresAt !== undefined && expiresAt > sandbox.expiresAt)
    await tellAgent(deps, sandbox, expiresAt);
  // Asked anew: the agent may have taken seconds.
  const changed = await deps.sandboxes.change(id, now(), changeOf(deps, body, expiresAt));
  if (!changed) throw await gone(deps, id);
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

/** It ended while it was changed: the record says how. */
async function gone({ sandboxes, clock }: UpdateSandboxDeps, id: SandboxId): Promise<Error> {
  const sandbox = await sandboxes.get(id);
  if (!sandbox) return sandboxNotFound(id);
  try {
    assertRunning(sandbox, clock.iso(clock.nowMs()));
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return new Error(`sandbox ${id} was refused a change while it runs`);
}
