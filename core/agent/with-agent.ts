/** The agent of a caller's running sandbox, for one operation; its failures as ours. */
import type { SandboxId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import type { Clock } from '../ports.ts';
import { assertRunning, ownedBy, targetOf } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { type AgentTarget, asCallerError } from './agent.ts';

export interface SandboxAgentDeps {
  readonly sandboxes: Pick<SandboxStore, 'get'>;
  readonly clock: Clock;
}

export async function withAgent<T>(
  deps: SandboxAgentDeps,
  sandboxId: SandboxId,
  caller: Caller,
  work: (target: AgentTarget) => Promise<T>,
): Promise<T> {
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  assertRunning(sandbox, deps.clock.iso(deps.clock.nowMs()));
  try {
    return await work(targetOf(sandbox));
  } catch (error) {
    throw asCallerError(sandboxId, error);
  }
}
