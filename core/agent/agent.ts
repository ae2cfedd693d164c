/**
 * The agent's routes as functions. What comes back is untrusted, because user code shares the
 * agent's machine: every answer is parsed, and none is believed beyond its own sandbox.
 */
import type * as z from 'zod/mini';
import {
  AGENT_PROTOCOL,
  AgentHealth,
  type DeadlineRequest,
  DrainResponse,
  type InitRequest,
  InitResponse,
  InterruptResponse,
  LogsResponse,
  type StartExecutionRequest,
  StartExecutionResponse,
  type StdinPart,
  StdinResponse,
} from '../../contract/agent/protocol.ts';
import { AgentErrorBody, AppError, type ErrorCode, statusOf } from '../../contract/errors.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import {
  type AgentAddress,
  type AgentAnswer,
  type AgentCall,
  type AgentGateway,
  AgentUnreachable,
} from '../ports.ts';

/** Where an agent is and what opens it. */
export interface AgentTarget {
  readonly address: AgentAddress;
  readonly token: string;
}

/** The agent answered with an error of its own: a closed code, never its free text as ours. */
export class AgentRefusal extends Error {
  override readonly name = 'AgentRefusal';
  readonly status: number;
  readonly body: AgentErrorBody;

  constructor(status: number, body: AgentErrorBody) {
    super(`agent answered ${status} ${body.code}`);
    this.status = status;
    this.body = body;
  }
}

export function readAgentJson<S extends z.core.$ZodType>(
  schema: S & { safeParse(data: unknown): z.core.util.SafeParseResult<z.output<S>> },
  answer: Pick<AgentAnswer, 'body'>,
): z.output<S> {
  let json: unknown;
  try {
    json = JSON.parse(answer.body);
  } catch (cause) {
    throw new AgentUnreachable('the agent answered something that is not JSON', { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new AgentUnreachable('the agent answered something unexpected');
  return parsed.data;
}

/** @throws {AgentRefusal} for an answer that is not 2xx */
function accepted(answer: AgentAnswer): AgentAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new AgentRefusal(answer.status, readAgentJson(AgentErrorBody, answer));
}

export const callAgent = async (
  gateway: AgentGateway,
  target: AgentTarget,
  request: AgentCall,
): Promise<AgentAnswer> =>
  accepted(await gateway.call(target.address, { ...request, token: target.token }));

/** Needs no token: asked before there is one. */
export async function agentHealth(
  gateway: AgentGateway,
  address: AgentAddress,
): Promise<AgentHealth> {
  return readAgentJson(
    AgentHealth,
    accepted(await gateway.call(address, { method: 'GET', path: '/health', headTimeoutMs: 2000 })),
  );
}

/** An address can be given to another task: only the one with this id is meant. */
export const isTask = (health: AgentHealth, taskArn: string): boolean =>
  health.taskId !== undefined && taskArn.endsWith(`/${health.taskId}`);

/** Functions speak with agents of protocol N and N - 1. */
export const speaksWith = (health: AgentHealth): boolean =>
  health.protocol === AGENT_PROTOCOL || health.protocol === AGENT_PROTOCOL - 1;

/** Safe to repeat with the same body. */
export async function initAgent(
  gateway: AgentGateway,
  address: AgentAddress,
  request: InitRequest,
): Promise<void> {
  readAgentJson(
    InitResponse,
    accepted(
      await gateway.call(address, {
        method: 'POST',
        path: '/init',
        body: request,
        headTimeoutMs: 5000,
      }),
    ),
  );
}

/** Safe to repeat with the same body. */
export async function startOnAgent(
  gateway: AgentGateway,
  target: AgentTarget,
  request: StartExecutionRequest,
): Promise<void> {
  readAgentJson(
    StartExecutionResponse,
    await callAgent(gateway, target, {
      method: 'POST',
      path: '/executions',
      body: request,
      headTimeoutMs: 5000,
    }),
  );
}

export async function interruptOnAgent(
  gateway: AgentGateway,
  target: AgentTarget,
  id: ExecutionId,
): Promise<void> {
  readAgentJson(
    InterruptResponse,
    await callAgent(gateway, target, {
      method: 'POST',
      path: `/executions/${id}/interrupt`,
      headTimeoutMs: 5000,
    }),
  );
}

/** Safe to repeat: an agent hands a number on once. */
export async function writeStdinOnAgent(
  gateway: AgentGateway,
  target: AgentTarget,
  { id, part }: { id: ExecutionId; part: StdinPart },
): Promise<StdinResponse> {
  const { nextSeq } = readAgentJson(
    StdinResponse,
    await callAgent(gateway, target, {
      method: 'POST',
      path: `/executions/${id}/stdin`,
      body: part,
      headTimeoutMs: 5000,
    }),
  );
  return { executionId: id, nextSeq };
}

/** An agent keeps the latest deadline that it was told: told twice or out of order is the same. */
export async function extendAgent(
  gateway: AgentGateway,
  target: AgentTarget,
  expiresAt: string,
): Promise<void> {
  const body: DeadlineRequest = { expiresAt };
  await callAgent(gateway, target, { method: 'PUT', path: '/deadline', body, headTimeoutMs: 5000 });
}

/** Kills what runs; answers when the spools are read, or after 5 s. */
export async function drainAgent(
  gateway: AgentGateway,
  target: AgentTarget,
): Promise<DrainResponse> {
  return readAgentJson(
    DrainResponse,
    await callAgent(gateway, target, { method: 'POST', path: '/drain', headTimeoutMs: 8000 }),
  );
}

/** The agent's own log as JSON lines; it holds no code and no output. */
export async function agentLog(gateway: AgentGateway, target: AgentTarget): Promise<string> {
  const answer = await callAgent(gateway, target, {
    method: 'GET',
    path: '/logs',
    headTimeoutMs: 2000,
    idleTimeoutMs: 2000,
  });
  return readAgentJson(LogsResponse, answer)
    .lines.map((line) => JSON.stringify(line))
    .join('\n');
}

export async function deleteSpool(
  gateway: AgentGateway,
  target: AgentTarget,
  id: ExecutionId,
): Promise<void> {
  await callAgent(gateway, target, {
    method: 'DELETE',
    path: `/executions/${id}/spool`,
    headTimeoutMs: 5000,
  });
}

/** Between the agent and us: a caller's own key is not what was refused. */
const NOT_FOR_CALLERS: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHENTICATED',
  'NOT_FOUND',
  'INTERNAL_ERROR',
]);

/** The agent's code is ours to repeat, its text as far as a caller can use it; else a failure of ours. */
export function fromRefusal(refusal: AgentRefusal): AppError | AgentRefusal {
  const { code, message, details = {} } = refusal.body;
  if (NOT_FOR_CALLERS.has(code)) return refusal;
  const retry = statusOf(code) === 429 ? { retryAfterSeconds: 1 } : {};
  return new AppError(code, message.slice(0, 500), { details, ...retry });
}

/** What a caller is told of a call to an agent that failed; what is not the agent's stays as it is. */
export function asCallerError(sandboxId: string, error: unknown): unknown {
  if (error instanceof AgentUnreachable) return agentUnreachable(sandboxId, error);
  return error instanceof AgentRefusal ? fromRefusal(error) : error;
}

/** What a caller is told when an agent cannot be reached. */
export const agentUnreachable = (sandboxId: string, cause: unknown): AppError =>
  new AppError(
    'AGENT_UNREACHABLE',
    `Sandbox ${sandboxId} does not answer at the moment. Try again.`,
    {
      details: { sandboxId },
      retryAfterSeconds: 1,
      cause,
    },
  );
