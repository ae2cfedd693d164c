/** Processes of a sandbox: they live in its agent, so each of these is one request to it. */
import type {
  Process,
  ProcessStdinResponse,
  PtySize,
  SignalProcessRequest,
  StartProcessBody,
} from '../../contract/agent/processes.ts';
import type { StdinPart } from '../../contract/agent/protocol.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import type { IdempotencyKey } from '../account/idempotency.ts';
import {
  killAgentProcess,
  listAgentProcesses,
  startAgentProcess,
  tellAgentProcess,
  writeAgentProcess,
} from '../agent/agent-processes.ts';
import { type SandboxAgentDeps, withAgent } from '../agent/with-agent.ts';
import type { AgentGateway } from '../ports.ts';
import { type StartOnDemandDeps, startOnDemand } from './start-on-demand.ts';

type ProcessDeps = SandboxAgentDeps & { readonly gateway: AgentGateway };

export interface ProcessInput {
  readonly sandboxId: SandboxId;
  readonly pid: number;
}

export interface StartProcessInput {
  readonly sandboxId: SandboxId;
  readonly body: StartProcessBody;
  readonly asked?: IdempotencyKey | undefined;
}

export const startProcess = (
  deps: StartOnDemandDeps,
  { sandboxId, body, asked }: StartProcessInput,
  caller: Caller,
): Promise<Process> =>
  startOnDemand(
    deps,
    { sandboxId, asked, what: 'process' },
    caller,
    async (target, executionId) => {
      const process = await startAgentProcess(deps.gateway, target, { executionId, ...body });
      const { timeoutMs } = body;
      const { pid } = process;
      return {
        answer: { ...process, executionId },
        facts: { pid, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      };
    },
  );

export const listProcesses = (
  deps: ProcessDeps,
  sandboxId: SandboxId,
  caller: Caller,
): Promise<{ items: Process[] }> =>
  withAgent(deps, sandboxId, caller, async (target) => ({
    items: await listAgentProcesses(deps.gateway, target),
  }));

export const killProcess = (
  deps: ProcessDeps,
  { sandboxId, pid }: ProcessInput,
  caller: Caller,
): Promise<void> =>
  withAgent(deps, sandboxId, caller, (target) => killAgentProcess(deps.gateway, target, pid));

export const writeProcessStdin = (
  deps: ProcessDeps,
  { sandboxId, pid, part }: ProcessInput & { readonly part: StdinPart },
  caller: Caller,
): Promise<ProcessStdinResponse> =>
  withAgent(deps, sandboxId, caller, (target) =>
    writeAgentProcess(deps.gateway, target, { pid, part }),
  );

export const resizeProcess = (
  deps: ProcessDeps,
  { sandboxId, pid, size }: ProcessInput & { readonly size: PtySize },
  caller: Caller,
): Promise<void> =>
  withAgent(deps, sandboxId, caller, (target) =>
    tellAgentProcess(deps.gateway, target, { pid, resize: size }),
  );

export const signalProcess = (
  deps: ProcessDeps,
  { sandboxId, pid, body }: ProcessInput & { readonly body: SignalProcessRequest },
  caller: Caller,
): Promise<void> =>
  withAgent(deps, sandboxId, caller, (target) =>
    tellAgentProcess(deps.gateway, target, { pid, signal: body }),
  );
