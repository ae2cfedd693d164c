/** The agent of a caller's running sandbox, for one operation on its files; its failures as ours. */
import { AppError } from '../../contract/errors.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import { AgentRefusal, type AgentTarget, agentUnreachable, fromRefusal } from '../agent/agent.ts';
import { type AgentBytes, type AgentGateway, AgentUnreachable, type Clock } from '../ports.ts';
import { assertRunning, ownedBy } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';

export interface FilesDeps {
  readonly sandboxes: SandboxStore;
  readonly gateway: AgentGateway & AgentBytes;
  readonly clock: Clock;
}

export async function withAgent<T>(
  deps: FilesDeps,
  sandboxId: SandboxId,
  caller: Caller,
  work: (target: AgentTarget) => Promise<T>,
): Promise<T> {
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  assertRunning(sandbox, deps.clock.iso(deps.clock.nowMs()));
  try {
    return await work({ address: sandbox.task.address, token: sandbox.controlToken });
  } catch (error) {
    if (error instanceof AgentUnreachable) throw agentUnreachable(sandboxId, error);
    if (error instanceof AgentRefusal) throw refused(error);
    throw error;
  }
}

/** Codes that are between the agent and us say nothing to a caller. */
function refused(error: AgentRefusal): Error {
  if (['UNAUTHENTICATED', 'NOT_FOUND', 'INTERNAL_ERROR'].includes(error.body.code)) return error;
  const { code, message, details } = fromRefusal(error);
  const retryAfterSeconds = code === 'RATE_LIMITED' ? { retryAfterSeconds: 1 } : {};
  return new AppError(code, message, { details: details ?? {}, ...retryAfterSeconds });
}
