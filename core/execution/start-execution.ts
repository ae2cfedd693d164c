/**
 * Start an execution: the record first, then the agent. Whoever starts it holds the lease on its
 * log. An agent that refuses leaves no record; one that cannot be reached may have started it, so
 * the record stays and its relay finds out.
 */
import { AppError } from '../../contract/errors.ts';
import type { SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { ExecuteBody } from '../../contract/rest/executions.ts';
import { RUNTIMES, runtimeFamily } from '../../contract/runtimes.ts';
import type { Caller } from '../account/caller.ts';
import { AgentRefusal, startOnAgent } from '../agent/agent.ts';
import type { RelayTask } from '../output/relay-output.ts';
import { type AgentGateway, AgentUnreachable, type Clock, type Ids } from '../ports.ts';
import { assertRunning, ownedBy, type SandboxRecord } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import type { ExecutionStore } from './execution-store.ts';

export interface StartExecutionDeps {
  readonly sandboxes: SandboxStore;
  readonly executions: ExecutionStore;
  readonly gateway: AgentGateway;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly leaseMs: number;
}

const START_TRIES = 3;
const RETRY_MS = 200;

export async function startExecution(
  deps: StartExecutionDeps,
  sandboxId: SandboxId,
  body: ExecuteBody,
  caller: Caller,
): Promise<RelayTask> {
  checkCode(body.code);
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  const execution = draft(deps, sandbox, body);
  assertRunning(sandbox, execution.createdAt);
  if (!(await deps.executions.start(execution, LIMITS.runningExecutionsPerSandbox))) {
    await explainRefusal(deps, sandboxId, execution.createdAt);
  }
  const target = { address: sandbox.task.address, token: sandbox.controlToken };
  const { id: executionId, language, timeoutMs } = execution;
  const request = { executionId, language, timeoutMs, ...pickGiven(body) };
  for (let tries = 1; ; tries++) {
    try {
      await startOnAgent(deps.gateway, target, request);
      return { execution, target, after: 0, hop: 0 };
    } catch (error) {
      if (error instanceof AgentUnreachable) {
        if (tries < START_TRIES) {
          await deps.clock.sleep(deps.ids.jitter(RETRY_MS * tries));
          continue;
        }
        throw maybeStarted(sandboxId, executionId, error);
      }
      await deps.executions.discard(executionId, sandboxId);
      if (error instanceof AgentRefusal) throw fromRefusal(error);
      throw error;
    }
  }
}

/** Not to be repeated blindly: the agent may run it, and its relay will tell. */
const maybeStarted = (sandboxId: string, executionId: string, cause: unknown): AppError =>
  new AppError(
    'AGENT_UNREACHABLE',
    `Sandbox ${sandboxId} does not answer. The code may have started: look at execution ${executionId} before you run it again.`,
    { details: { sandboxId, executionId }, cause },
  );

const pickGiven = ({ code, env, cwd, stdin }: ExecuteBody) => ({
  code,
  ...(env === undefined ? {} : { env }),
  ...(cwd === undefined ? {} : { cwd }),
  ...(stdin === undefined ? {} : { stdin }),
});

function draft(deps: StartExecutionDeps, sandbox: SandboxRecord, body: ExecuteBody) {
  const now = deps.clock.nowMs();
  return {
    id: deps.ids.execution(),
    sandboxId: sandbox.id,
    tenantId: sandbox.tenantId,
    language: body.language ?? RUNTIMES[runtimeFamily(sandbox.runtime)].defaultLanguage,
    timeoutMs: body.timeoutMs ?? LIMITS.timeoutMs.default,
    createdAt: deps.clock.iso(now),
    lastSeq: 0,
    truncated: false,
    status: 'running',
    lease: { owner: deps.ids.owner(), epoch: 1, until: deps.clock.iso(now + deps.leaseMs) },
  } as const;
}

function checkCode(code: string): void {
  const bytes = new TextEncoder().encode(code).length;
  if (bytes <= LIMITS.codeBytes) return;
  throw new AppError(
    'CODE_TOO_LARGE',
    `body: code must be at most ${LIMITS.codeBytes} bytes, got ${bytes}. Upload it as a file and run that.`,
    {
      details: { field: 'code', bytes, allowedBytes: LIMITS.codeBytes },
    },
  );
}

/** The transaction did not say which condition failed; the record as it now is does. */
async function explainRefusal(
  deps: StartExecutionDeps,
  id: SandboxId,
  now: string,
): Promise<never> {
  const sandbox = await deps.sandboxes.get(id);
  if (sandbox) assertRunning(sandbox, now);
  throw new AppError(
    'RESOURCE_LIMIT_ERROR',
    `Sandbox ${id} already runs ${LIMITS.runningExecutionsPerSandbox} executions, the most at a time. Wait for one to end.`,
    {
      details: { sandboxId: id, allowed: LIMITS.runningExecutionsPerSandbox },
      retryAfterSeconds: 1,
    },
  );
}

/** The agent's code is ours to repeat; its free text is not, beyond what a caller can use. */
function fromRefusal({ body }: AgentRefusal): AppError {
  return new AppError(body.code, body.message.slice(0, 500), { details: body.details ?? {} });
}
