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

export interface EndSandboxDeps {
  readonly sandboxes: SandboxStore;
  readonly gateway: AgentGateway;
  readonly fleet: Pick<SandboxFleet, 'stop'>;
  readonly refill: PoolRefill;
  readonly clock: Clock;
}

export interface EndRequest {
  readonly id: SandboxId;
  readonly reason: EndReason;
  /** The task has already stopped: nothing to drain, nothing to stop. */
  readonly taskGone: boolean;
}

/** Answers the record as it then is; undefined when there is no such sandbox. */
export async function endSandbox(
  deps: EndSandboxDeps,
  request: EndRequest,
): Promise<SandboxRecord | undefined> {
  const sandbox = await deps.sandboxes.requestEnd(request.id, request.reason);
  if (!sandbox || sandbox.status === 'stopped') return sandbox;
  if (!request.taskGone) {
    if (sandbox.runningExecutions > 0) await drain(deps, sandbox);
    await deps.fleet.stop(sandbox.task.taskArn, `sandbox ${sandbox.id} ends`);
  }
  await deps.sandboxes.markStopped(
    sandbox.id,
    sandbox.task.launchId,
    deps.clock.iso(deps.clock.nowMs()),
  );
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
