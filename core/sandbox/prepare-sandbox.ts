/**
 * `/init`, then running. The request follows from the record alone, so whoever repeats it says the
 * same and gets the same answer.
 */
import type { InitRequest } from '../../contract/agent/protocol.ts';
import { initAgent } from '../agent/agent.ts';
import type { AgentGateway, Clock, Digest } from '../ports.ts';
import { expiryOverdueAt } from './overdue.ts';
import type { CreatingSandbox, Placed, RunningSandbox } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface PrepareDeps {
  readonly sandboxes: SandboxStore;
  readonly gateway: AgentGateway;
  readonly clock: Clock;
  readonly digest: Digest;
}

export const PREPARE_TRIES = 3;

export const prepareAgent = (deps: PrepareDeps, sandbox: Placed<CreatingSandbox>): Promise<void> =>
  initAgent(deps.gateway, sandbox.task.address, initRequest(deps, sandbox));

/** Undefined when it was ended meanwhile. */
export async function markPrepared(
  deps: Pick<PrepareDeps, 'sandboxes' | 'clock'>,
  sandbox: Placed<CreatingSandbox>,
): Promise<RunningSandbox | undefined> {
  const { env: _, estimatedReadyAt: __, ownLaunch: ___, ...rest } = sandbox;
  const startedAt = deps.clock.iso(deps.clock.nowMs());
  const overdueAt = expiryOverdueAt(deps.clock, sandbox.expiresAt);
  if (await deps.sandboxes.markRunning(sandbox.id, startedAt, overdueAt))
    return { ...rest, status: 'running', startedAt };
  const now = await deps.sandboxes.get(sandbox.id);
  // An answer that was lost and asked for again, or another that was first.
  return now?.status === 'running' ? now : undefined;
}

const initRequest = (
  { digest }: Pick<PrepareDeps, 'digest'>,
  { id, task, controlToken, accessToken, env, expiresAt }: Placed<CreatingSandbox>,
): InitRequest => ({
  sandboxId: id,
  taskId: task.taskArn.slice(task.taskArn.lastIndexOf('/') + 1),
  tokenSha256: digest.sha256(controlToken),
  accessTokenSha256: digest.sha256(accessToken),
  env,
  expiresAt,
});
