/**
 * Start an execution: the record first, then the agent. Whoever starts it holds the lease on its
 * log. An agent that refuses leaves no record; one that cannot be reached may have started it, so
 * the record stays and its relay finds out.
 */
import { AppError } from '../../contract/errors.ts';
import { type ContextId, ExecutionId, type SandboxId, type TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { ExecuteBody } from '../../contract/rest/executions.ts';
import { type Language, RUNTIMES, runtimeFamily } from '../../contract/runtimes.ts';
import type { Caller } from '../account/caller.ts';
import {
  claimFor,
  earlierResult,
  type IdempotencyClaim,
  type IdempotencyKey,
  type IdempotencyStore,
} from '../account/idempotency.ts';
import { asCallerError, startOnAgent } from '../agent/agent.ts';
import { getAgentContext } from '../agent/agent-contexts.ts';
import type { RelayTask } from '../output/relay-output.ts';
import { type AgentGateway, AgentUnreachable, type Clock, type Ids } from '../ports.ts';
import {
  assertRunning,
  ownedBy,
  type RunningSandbox,
  type SandboxRecord,
  targetOf,
} from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import type { ExecutionRecord } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';

export interface StartExecutionDeps {
  readonly sandboxes: SandboxStore;
  readonly executions: ExecutionStore;
  readonly gateway: AgentGateway;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly leaseMs: number;
}

export interface StartRequest {
  readonly sandboxId: SandboxId;
  readonly body: ExecuteBody;
  /** One that follows from something else, in place of a new one. */
  readonly executionId?: ExecutionId;
}

type Running = RelayTask['execution'] & { readonly language: Language; readonly timeoutMs: number };

const START_TRIES = 3;
const RETRY_MS = 200;

export async function startExecution(
  deps: StartExecutionDeps,
  { sandboxId, body, executionId }: StartRequest,
  caller: Caller,
): Promise<RelayTask> {
  checkCode(body.code);
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  assertRunning(sandbox, deps.clock.iso(deps.clock.nowMs()));
  const place = await placeOf(deps, sandbox, body);
  const execution = draft(deps, { sandbox, body, place, caller, executionId });
  if (!(await deps.executions.start(execution, LIMITS.liveExecutionsPerSandbox))) {
    await explainRefusal(deps, sandboxId, execution.createdAt);
  }
  return startTask(deps, { sandbox, execution, body });
}

/**
 * As {@link startExecution}, once for a key: a repeat gets the execution that the first request
 * started, also where the sandbox has ended since or takes no more.
 */
export async function startExecutionOnce(
  deps: StartExecutionDeps & { readonly idempotency: IdempotencyStore },
  { sandboxId, body, asked }: StartRequest & { readonly asked: IdempotencyKey },
  caller: Caller,
): Promise<{ task: RelayTask } | { earlier: ExecutionRecord }> {
  checkCode(body.code);
  const { tenantId } = caller;
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), tenantId, sandboxId);
  const earlier = () => earlierExecution(deps, asked, tenantId);
  const place = await placeOf(deps, sandbox, body).catch((error: unknown) => ({ error }));
  if ('error' in place) {
    // The context of the first request may be gone by now; its execution is not.
    const record = await earlier();
    if (record) return { earlier: record };
    throw place.error;
  }
  for (let tries = 1; ; tries++) {
    const execution = draft(deps, { sandbox, body, place, caller });
    const claim = claimFor(deps.clock, asked, { tenantId, resultId: execution.id });
    const outcome = await deps.executions.startOnce(
      execution,
      LIMITS.liveExecutionsPerSandbox,
      claim,
    );
    if (outcome === 'started') {
      const running = await asRunning(deps, sandbox);
      return { task: await startTask(deps, { sandbox: running, execution, body, claim }) };
    }
    const record = await earlier();
    if (record) return { earlier: record };
    // A claim that is gone again: its agent refused the code, and now it is our turn.
    if (outcome === 'refused' || tries === START_TRIES) {
      await explainRefusal(deps, sandboxId, execution.createdAt);
    }
  }
}

/** What was read before it began to run does not know its task yet. */
async function asRunning(
  { sandboxes }: StartExecutionDeps,
  sandbox: SandboxRecord,
): Promise<RunningSandbox> {
  const now = sandbox.status === 'running' ? sandbox : await sandboxes.get(sandbox.id);
  if (now?.task && now.status !== 'creating') return now as RunningSandbox;
  throw new Error(`sandbox ${sandbox.id} took an execution and has no task`);
}

async function earlierExecution(
  deps: StartExecutionDeps & { readonly idempotency: IdempotencyStore },
  asked: IdempotencyKey,
  tenantId: TenantId,
): Promise<ExecutionRecord | undefined> {
  const id = ExecutionId.safeParse(await earlierResult(deps, asked, tenantId));
  return id.success ? deps.executions.get(id.data) : undefined;
}

interface Starting {
  readonly sandbox: RunningSandbox;
  readonly execution: Running;
  readonly body: ExecuteBody;
  readonly claim?: IdempotencyClaim;
}

async function startTask(
  deps: StartExecutionDeps,
  { sandbox, execution, body, claim }: Starting,
): Promise<RelayTask> {
  const target = targetOf(sandbox);
  const { id: executionId, language, timeoutMs } = execution;
  const request = { executionId, language, timeoutMs, ...pickGiven(body) };
  for (let tries = 1; ; tries++) {
    try {
      await startOnAgent(deps.gateway, target, request);
      return { execution, target, after: 0, hop: 0, watched: sandbox.watched === true };
    } catch (error) {
      if (error instanceof AgentUnreachable) {
        if (tries < START_TRIES) {
          await deps.clock.sleep(deps.ids.jitter(RETRY_MS * tries));
          continue;
        }
        throw maybeStarted(sandbox.id, executionId, error);
      }
      await deps.executions.discard(executionId, sandbox.id, claim);
      throw asCallerError(sandbox.id, error);
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

const pickGiven = ({ code, contextId, limits, env, cwd, stdin, keepStdinOpen }: ExecuteBody) => ({
  code,
  ...(contextId === undefined ? {} : { contextId }),
  ...(limits === undefined ? {} : { limits }),
  ...(env === undefined ? {} : { env }),
  ...(cwd === undefined ? {} : { cwd }),
  ...(stdin === undefined ? {} : { stdin }),
  ...(keepStdinOpen === undefined ? {} : { keepStdinOpen }),
});

interface Place {
  readonly contextId?: ContextId;
  readonly language: Language;
}

/** The context that is named, whose language its agent knows; else the default one of a language. */
async function placeOf(
  deps: StartExecutionDeps,
  sandbox: SandboxRecord,
  { contextId, language }: ExecuteBody,
): Promise<Place> {
  if (contextId === undefined) {
    return { language: language ?? RUNTIMES[runtimeFamily(sandbox.runtime)].defaultLanguage };
  }
  if (language !== undefined) {
    throw new AppError(
      'VALIDATION_ERROR',
      'body: language and contextId cannot both be given. Name the context, which has its language.',
      {
        details: {
          in: 'body',
          problems: [{ field: 'language', problem: 'stands beside contextId' }],
        },
      },
    );
  }
  assertRunning(sandbox, deps.clock.iso(deps.clock.nowMs()));
  try {
    const context = await getAgentContext(deps.gateway, targetOf(sandbox), contextId);
    return { contextId, language: context.language };
  } catch (error) {
    throw asCallerError(sandbox.id, error);
  }
}

interface Drafted {
  readonly sandbox: SandboxRecord;
  readonly body: ExecuteBody;
  readonly place: Place;
  readonly caller: Caller;
  readonly executionId?: ExecutionId | undefined;
}

function draft(deps: StartExecutionDeps, { sandbox, body, place, caller, executionId }: Drafted) {
  const now = deps.clock.nowMs();
  return {
    id: executionId ?? deps.ids.execution(),
    sandboxId: sandbox.id,
    tenantId: sandbox.tenantId,
    keyId: caller.keyId,
    ...place,
    timeoutMs: body.timeoutMs ?? LIMITS.timeoutMs.default,
    createdAt: deps.clock.iso(now),
    lastSeq: 0,
    truncated: false,
    status: 'running',
    lease: { owner: deps.ids.owner(), epoch: 1, until: deps.clock.iso(now + deps.leaseMs) },
  } as const;
}

export function checkCode(code: string): void {
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
    `Sandbox ${id} already has ${LIMITS.liveExecutionsPerSandbox} executions that run or wait, the most at a time. Wait for one to end.`,
    {
      details: { sandboxId: id, allowed: LIMITS.liveExecutionsPerSandbox },
      retryAfterSeconds: 1,
    },
  );
}
