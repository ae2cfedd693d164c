/**
 * The one way in which a sandbox ends: reason first, drain, stop the task, then stopped in one
 * conditional write. Every step may be repeated; a second run does nothing.
 *
 * The executions in flight are ended by their own relays, which read `killed` from the drained
 * spools, or `lost` when the task is gone: so the log keeps a single writer.
 */
import type { SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import { drainAgent } from '../agent/agent.ts';
import type { PoolRefill } from '../pool/pool-task.ts';
import type { AgentGateway, Clock, SandboxFleet } from '../ports.ts';
import type { SandboxRecord } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface CloseSandboxDeps {
  readonly sandboxes: SandboxStore;
  readonly fleet: Pick<SandboxFleet, 'stop'>;
  readonly refill: PoolRefill;
  readonly clock: Clock;
}

export interface EndSandboxDeps extends CloseSandboxDeps {
  readonly gateway: AgentGateway;
}

export interface EndRequest {
  readonly id: SandboxId;
  readonly reason: EndReason;
}

/** Lets what runs be read to its end first. Answers the record as it then is; undefined when there is none. */
export async function endSandbox(
  deps: EndSandboxDeps,
  { id, reason }: EndRequest,
): Promise<SandboxRecord | undefined> {
  const sandbox = await deps.sandboxes.requestEnd(id, reason);
  if (!sandbox || sandbox.status === 'stopped') return sandbox;
  if (sandbox.runningExecutions > 0) await drain(deps, sandbox);
  return closeSandbox(deps, { id, reason, stopTask: true });
}

/** Without a drain: the task has stopped, or nobody answers in it any more. */
export async function closeSandbox(
  deps: CloseSandboxDeps,
  { id, reason, stopTask }: EndRequest & { stopTask: boolean },
): Promise<SandboxRecord | undefined> {
  const sandbox = await deps.sandboxes.requestEnd(id, reason);
  if (!sandbox || sandbox.status === 'stopped') return sandbox;
  if (stopTask) await deps.fleet.stop(sandbox.task.taskArn, `sandbox ${sandbox.id} ends`);
  const stoppedAt = deps.clock.iso(deps.clock.nowMs());
  await deps.sandboxes.markStopped(sandbox.id, sandbox.task.launchId, stoppedAt);
  await deps.refill.request();
  return deps.sandboxes.get(sandbox.id);
}

async function drain(deps: EndSandboxDeps, sandbox: SandboxRecord): Promise<void> {
  try {
    await drainAgent(deps.gateway, { address: sandbox.task.address, token: sandbox.controlToken });
  } catch {
    // An agent that cannot drain is about to be stopped: its relays end what ran as lost.
  }
}
