/**
 * Processes of a sandbox: they live in its agent, so each of these is one request to it. What one prints is
 * read as an execution is, by a record of its own; the record comes after the process, since without one
 * it can still be listed and killed. One that is started under an Idempotency-Key has an id that comes from
 * the key, so that the agent knows a repeat.
 */
import type {
  Process,
  ProcessStdinResponse,
  PtySize,
  SignalProcessRequest,
  StartProcessBody,
} from '../../contract/agent/processes.ts';
import type { StdinPart } from '../../contract/agent/protocol.ts';
import { ExecutionId, type SandboxId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import type { IdempotencyKey } from '../account/idempotency.ts';
import { asCallerError } from '../agent/agent.ts';
import {
  killAgentProcess,
  listAgentProcesses,
  startAgentProcess,
  tellAgentProcess,
  writeAgentProcess,
} from '../agent/agent-processes.ts';
import { type SandboxAgentDeps, withAgent } from '../agent/with-agent.ts';
import type { RelayStarter } from '../output/output-log.ts';
import { leaseOfNobody } from '../output/relay-output.ts';
import type { AgentGateway, Clock, Digest, Ids } from '../ports.ts';
import {
  assertRunning,
  ownedBy,
  type RunningSandbox,
  sandboxNotFound,
  targetOf,
} from '../sandbox/sandbox.ts';
import type { ExecutionStore } from './execution-store.ts';

type ProcessDeps = SandboxAgentDeps & { readonly gateway: AgentGateway };

export interface StartProcessDeps extends ProcessDeps {
  readonly executions: Pick<ExecutionStore, 'startProcess'>;
  readonly relays: RelayStarter;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly digest: Digest;
}

export interface ProcessInput {
  readonly sandboxId: SandboxId;
  readonly pid: number;
}

export interface StartProcessInput {
  readonly sandboxId: SandboxId;
  readonly body: StartProcessBody;
  readonly asked?: IdempotencyKey | undefined;
}

export async function startProcess(
  deps: StartProcessDeps,
  { sandboxId, body, asked }: StartProcessInput,
  caller: Caller,
): Promise<Process> {
  const { clock, ids, digest, gateway } = deps;
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  assertRunning(sandbox, clock.iso(clock.nowMs()));
  const executionId = asked ? idFrom(digest, sandboxId, asked.key) : ids.execution();
  const target = targetOf(sandbox);
  try {
    const process = await startAgentProcess(gateway, target, { executionId, ...body });
    await record(deps, { sandbox, executionId, process, body }, caller);
    return { ...process, executionId };
  } catch (error) {
    throw asCallerError(sandboxId, error);
  }
}

interface Recorded {
  readonly sandbox: RunningSandbox;
  readonly executionId: ExecutionId;
  readonly process: Process;
  readonly body: StartProcessBody;
}

async function record(
  deps: StartProcessDeps,
  { sandbox, executionId, process, body }: Recorded,
  caller: Caller,
): Promise<void> {
  const { clock, executions, relays, sandboxes } = deps;
  const { id: sandboxId, tenantId, expiresAt } = sandbox;
  const isKept = await executions.startProcess({
    id: executionId,
    sandboxId,
    tenantId,
    keyId: caller.keyId,
    pid: process.pid,
    ...(body.timeoutMs === undefined ? {} : { timeoutMs: body.timeoutMs }),
    createdAt: clock.iso(clock.nowMs()),
    lastSeq: 0,
    truncated: false,
    status: 'running',
    lease: leaseOfNobody(clock, expiresAt),
  });
  if (!isKept) {
    const now = await sandboxes.get(sandboxId);
    if (now) assertRunning(now, clock.iso(clock.nowMs()));
    throw sandboxNotFound(sandboxId);
  }
  // Whoever watches the whole sandbox hears of it from a relay.
  if (sandbox.watched) await relays.start({ executionId, epoch: 1, hop: 0 });
}

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

const idFrom = (digest: Digest, sandboxId: SandboxId, key: string): ExecutionId =>
  ExecutionId.parse(`ex${digest.sha256(`process ${sandboxId} ${key}`).slice(0, 20)}`);
