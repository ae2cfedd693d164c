/**
 * Run code once: a sandbox of its own, files in, one execution, and the sandbox ends. It ends by itself soon after the
 * longest that the code may take, whoever dies in between. Its execution has the id of the sandbox, by another prefix: a
 * repeat finds it by the sandbox that its Idempotency-Key names.
 */
import { AppError } from '../../contract/errors.ts';
import { ExecutionId, type SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { RunBody } from '../../contract/rest/run.ts';
import type { Sandbox } from '../../contract/rest/sandboxes.ts';
import { runtimeFor } from '../../contract/runtimes.ts';
import type { Caller } from '../account/caller.ts';
import type { IdempotencyKey } from '../account/idempotency.ts';
import {
  type RelayDeps,
  type RelayEnd,
  type RelayHooks,
  relayOutput,
} from '../output/relay-output.ts';
import type { AgentBytes, AgentGateway } from '../ports.ts';
import { type CreateSandboxDeps, createSandbox } from '../sandbox/create-sandbox.ts';
import { requestEnd } from '../sandbox/request-end.ts';
import { type SandboxRecord, sandboxNotFound } from '../sandbox/sandbox.ts';
import { updateSandbox } from '../sandbox/update-sandbox.ts';
import type { ExecutionRecord } from './execution.ts';
import { writeRunFiles } from './run-files.ts';
import { checkCode, type StartExecutionDeps, startExecution } from './start-execution.ts';

export type RunOnceDeps = CreateSandboxDeps &
  StartExecutionDeps &
  RelayDeps & { readonly gateway: AgentGateway & AgentBytes };

/** Beside the code itself: files in, files out, a kernel that starts. */
const SPARE_MS = 60_000;
/** So long the sandbox of a run is kept whose files are still to be read. */
const KEPT_MS = 60_000;
const LOOK_MS = { first: 50, most: 1_000 } as const;

export const executionOf = (sandboxId: SandboxId): ExecutionId =>
  ExecutionId.parse(`ex${sandboxId.slice(2)}`);

/** Its sandbox, which may still have to be launched; `isNew` for whoever is to run the code in it. */
export async function beginRun(
  deps: CreateSandboxDeps,
  { body, asked }: { body: RunBody; asked: IdempotencyKey | undefined },
  caller: Caller,
): Promise<{ readonly sandbox: Sandbox; readonly isNew: boolean }> {
  checkCode(body.code);
  const longestMs = (body.timeoutMs ?? LIMITS.timeoutMs.default) + SPARE_MS;
  const wanted = {
    runtime: runtimeFor(body.language),
    lifetimeMs: Math.min(longestMs, deps.maxLifetimeMs),
  };
  return createSandbox(deps, { body: wanted, asked }, caller);
}

export interface RunInput {
  readonly sandboxId: SandboxId;
  readonly body: RunBody;
}

export interface RunOnceHooks extends RelayHooks {
  /** The execution is there. */
  readonly onStarted?: (execution: ExecutionRecord) => void;
}

/** Runs the code and relays what comes of it. A sandbox in which it did not come to that is ended. */
export async function performRun(
  deps: RunOnceDeps,
  { sandboxId, body }: RunInput,
  caller: Caller,
  hooks: RunOnceHooks,
): Promise<RelayEnd> {
  const begunMs = deps.clock.nowMs();
  const task = await startIn(deps, { sandboxId, body }, caller).catch(async (error: unknown) => {
    await endRun(deps, sandboxId);
    throw error;
  });
  hooks.onStarted?.(task.execution);
  // The function that waited for a launch has the less time left to relay.
  const relayLifeMs = Math.max(1, deps.relayLifeMs - (deps.clock.nowMs() - begunMs));
  return relayOutput({ ...deps, relayLifeMs }, task, hooks);
}

async function startIn(deps: RunOnceDeps, { sandboxId, body }: RunInput, caller: Caller) {
  const { code, language, files = [], stdin, timeoutMs } = body;
  await untilRunning(deps, sandboxId);
  await writeRunFiles(deps, { sandboxId, files }, caller);
  const given = {
    code,
    language,
    ...(stdin === undefined ? {} : { stdin }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  const request = { sandboxId, body: given, executionId: executionOf(sandboxId) };
  return startExecution(deps, request, caller);
}

/** However its launch ends, the record says so in the end. */
async function untilRunning(
  deps: Pick<RunOnceDeps, 'sandboxes' | 'clock'>,
  id: SandboxId,
): Promise<void> {
  for (let pauseMs: number = LOOK_MS.first; ; pauseMs = Math.min(pauseMs * 1.5, LOOK_MS.most)) {
    const sandbox = await deps.sandboxes.get(id);
    if (sandbox?.status === 'running') return;
    if (sandbox?.status !== 'creating') throw neverRan(id, sandbox);
    await deps.clock.sleep(pauseMs);
  }
}

function neverRan(id: SandboxId, sandbox: SandboxRecord | undefined): AppError {
  if (!sandbox || !('endReason' in sandbox)) return sandboxNotFound(id);
  const { endReason } = sandbox;
  const details = { sandboxId: id, endReason };
  if (endReason === 'launch_failed' || endReason === 'init_timeout')
    return new AppError(
      'CAPACITY_UNAVAILABLE',
      `No sandbox could be launched for the code (${endReason}), which has not run. Try again, with another Idempotency-Key.`,
      { details, retryAfterSeconds: 5 },
    );
  return new AppError(
    'SANDBOX_GONE',
    `Sandbox ${id} ended (${endReason}) before the code ran. Try again, with another Idempotency-Key.`,
    { details },
  );
}

/**
 * The execution of a run that another request performs, once it is there; undefined while it is not by `untilMs`.
 * @throws {AppError} where it never will be
 */
export async function startedRun(
  deps: Pick<RunOnceDeps, 'sandboxes' | 'executions' | 'clock'>,
  { sandboxId, untilMs }: { sandboxId: SandboxId; untilMs: number },
): Promise<ExecutionRecord | undefined> {
  for (let pauseMs: number = LOOK_MS.first; ; pauseMs = Math.min(pauseMs * 1.5, LOOK_MS.most)) {
    // The sandbox first: an execution that is put between the two looks is not missed.
    const sandbox = await deps.sandboxes.get(sandboxId);
    const execution = await deps.executions.get(executionOf(sandboxId));
    if (execution) return execution;
    if (sandbox?.status !== 'creating' && sandbox?.status !== 'running')
      throw neverRan(sandboxId, sandbox);
    const leftMs = untilMs - deps.clock.nowMs();
    if (leftMs <= 0) return undefined;
    await deps.clock.sleep(Math.min(pauseMs, leftMs));
  }
}

export async function endRun(deps: RunOnceDeps, id: SandboxId): Promise<void> {
  try {
    await requestEnd(deps, { id, reason: 'terminated' });
  } catch (error) {
    // It expires soon.
    deps.onError('the sandbox of a run not ended', error);
  }
}

/** For whoever comes for its files. */
export async function keepRun(deps: RunOnceDeps, id: SandboxId, caller: Caller): Promise<void> {
  try {
    await updateSandbox(deps, { id, body: { lifetimeMs: KEPT_MS } }, caller);
  } catch (error) {
    // It has ended, or ends when it expires.
    if (!(error instanceof AppError)) deps.onError('the sandbox of a run not kept', error);
  }
}
