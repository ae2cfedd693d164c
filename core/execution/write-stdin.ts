/**
 * Write to the stdin of an execution while it runs: one request to its agent, which puts the parts in
 * order, so that it does no harm to ask again.
 */
import type { StdinPart, StdinResponse } from '../../contract/agent/protocol.ts';
import { AppError } from '../../contract/errors.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import { writeStdinOnAgent } from '../agent/agent.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { AgentGateway, Clock } from '../ports.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { ownedBy } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';

export interface WriteStdinDeps {
  readonly executions: Pick<ExecutionStore, 'get'>;
  readonly sandboxes: Pick<SandboxStore, 'get'>;
  readonly gateway: AgentGateway;
  readonly clock: Clock;
}

export async function writeStdin(
  deps: WriteStdinDeps,
  { id, part }: { id: ExecutionId; part: StdinPart },
  caller: Caller,
): Promise<StdinResponse> {
  const { status, sandboxId } = ownedBy(await deps.executions.get(id), caller.tenantId, id);
  if (status !== 'running')
    throw new AppError(
      'INVALID_SANDBOX_STATE',
      `Execution ${id} is ${status} and reads no more. Start another one.`,
      { details: { executionId: id, status } },
    );
  return withAgent(deps, sandboxId, caller, (target) =>
    writeStdinOnAgent(deps.gateway, target, { id, part }),
  );
}
