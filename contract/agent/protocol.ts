/**
 * The agent's own HTTP routes, as the functions call them through agent-gateway. The agent speaks
 * protocol N; functions accept N and N - 1. Every route but `/health` and `/init` needs
 * `Authorization: Bearer <control token>`.
 */
import * as z from 'zod/mini';
import { ContextId, ExecutionId, SandboxId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { Language } from '../runtimes.ts';

export const AGENT_PORT = 49_983;
export const AGENT_PROTOCOL = 1;

const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be 64 hex characters'));

const envName = z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, 'must be a POSIX name'));
const envValue = z.string().check(z.regex(/^[^\0]*$/, 'must not contain NUL'));
export const utf8Length = (text: string) => new TextEncoder().encode(text).length;

/** Environment of user code: at most 64 names and 32 KiB together. */
export const UserEnv = z.record(envName, envValue).check(
  z.refine((env) => Object.keys(env).length <= LIMITS.envNames, `at most ${LIMITS.envNames} names`),
  z.refine(
    (env) =>
      Object.entries(env).reduce((sum, [k, v]) => sum + utf8Length(k) + utf8Length(v), 0) <=
      LIMITS.envBytes,
    `at most ${LIMITS.envBytes} bytes together`,
  ),
);
export type UserEnv = z.infer<typeof UserEnv>;

export const TimeoutMs = z
  .int()
  .check(z.minimum(LIMITS.timeoutMs.min), z.maximum(LIMITS.timeoutMs.max));

const bounded = ({ min, max }: { readonly min: number; readonly max: number }) =>
  z.int().check(z.minimum(min), z.maximum(max));

/**
 * What one execution may use, beside its `timeoutMs`. Each is optional, and none lifts what the sandbox
 * itself allows. CPU, memory and processes are those of the interpreter with all that it has started and
 * that has not left its session, looked at ten times a second; at a limit the code is interrupted, and
 * killed with its interpreter 1 s later where it goes on.
 */
export const ExecutionLimits = z.strictObject({
  /** Milliseconds of CPU, user and system together, of all cores. Default: none. The run ends as `timeout`. */
  cpuMs: z.optional(bounded(LIMITS.execution.cpuMs)),
  /**
   * MiB that the interpreter and what it has started hold together, with what earlier runs left in its
   * variables. Default: what the sandbox has. The run ends as `out_of_memory`.
   */
  memoryMb: z.optional(bounded(LIMITS.execution.memoryMb)),
  /** Bytes of stdout, stderr and results that are kept; the code runs on. Default: the deployment's cap, 64 MiB. */
  outputBytes: z.optional(bounded(LIMITS.execution.outputBytes)),
  /**
   * Processes at a time beside those that there were when it began: threads do not count. Default: the
   * sandbox's 256, threads included. The run ends as `killed`.
   */
  processes: z.optional(bounded(LIMITS.execution.processes)),
  /**
   * Bytes of the largest file that it may write; the write fails with EFBIG, and code that goes on may end
   * `ok`. Default: the sandbox's, 10 GiB. It guards against mistakes: code can lift its own up to that.
   */
  fileBytes: z.optional(bounded(LIMITS.execution.fileBytes)),
});
export type ExecutionLimits = z.infer<typeof ExecutionLimits>;

/** `GET /health`, no token. */
export const AgentHealth = z.object({
  status: z.literal('ok'),
  protocol: z.int(),
  /** Id of the ECS task, from its metadata; absent on a bare host. */
  taskId: z.optional(z.string()),
  initialized: z.boolean(),
});
export type AgentHealth = z.infer<typeof AgentHealth>;

/** `POST /init`, once: the same body again answers the same, another one 409. */
export const InitRequest = z.strictObject({
  sandboxId: SandboxId,
  /** Whom it is meant for: an address may meanwhile be another task's, which refuses it. */
  taskId: z.optional(z.string()),
  tokenSha256: sha256,
  accessTokenSha256: sha256,
  env: UserEnv,
  expiresAt: z.iso.datetime(),
});
export type InitRequest = z.infer<typeof InitRequest>;
export const InitResponse = z.object({ sandboxId: SandboxId, protocol: z.int() });

/** `POST /executions` → 201 at once; the same id and body again answers the same, another body 409. */
export const StartExecutionRequest = z.strictObject({
  executionId: ExecutionId,
  code: z.string(),
  /** The context to run in; without one, the default context of the language. */
  contextId: z.optional(ContextId),
  /** Of the context, where both are named. */
  language: Language,
  timeoutMs: TimeoutMs,
  limits: z.optional(ExecutionLimits),
  env: z.optional(UserEnv),
  cwd: z.optional(z.string()),
  stdin: z.optional(z.string()),
  /** More of it follows by `POST /executions/{id}/stdin`; else the code meets its end. */
  keepStdinOpen: z.optional(z.boolean()),
});
export type StartExecutionRequest = z.infer<typeof StartExecutionRequest>;
export const StartExecutionResponse = z.object({
  executionId: ExecutionId,
  status: z.enum(['queued', 'running', 'finished']),
});

/** `GET /executions/{id}/events?after=N&epoch=E` → NDJSON of EventLine, closed after `finished`, or after `superseded`. */
export const EventsQuery = z.object({
  after: z.int().check(z.nonnegative()),
  epoch: z.int().check(z.positive()),
  /** 1: with what the sandbox uses, between the events; of several streams one gets it. */
  metrics: z.optional(z.literal(1)),
});

/** `POST /executions/{id}/interrupt` → 202. SIGINT, after 5 s SIGKILL. */
export const InterruptResponse = z.object({ executionId: ExecutionId, interrupted: z.boolean() });

/** `POST /executions/{id}/stdin` → 202. Parts may come in any order and again: the code reads each once. */
export const StdinPart = z.strictObject({
  /** 1, 2, 3 … */
  seq: z.int().check(z.positive()),
  /** UTF-8, at most 1 MiB. */
  text: z.string().check(z.maxLength(LIMITS.stdinBytes)),
  /** This is the last: once it is read, the code meets the end of its stdin. */
  close: z.optional(z.boolean()),
});
export type StdinPart = z.infer<typeof StdinPart>;
export const StdinResponse = z.object({
  executionId: ExecutionId,
  /** The lowest number that has not come yet. */
  nextSeq: z.int().check(z.positive()),
});
export type StdinResponse = z.infer<typeof StdinResponse>;

/** `PUT /deadline`: the latest that was told counts, in any order. */
export const DeadlineRequest = z.strictObject({ expiresAt: z.iso.datetime() });
export type DeadlineRequest = z.infer<typeof DeadlineRequest>;

/** `POST /drain` kills what runs, answers when the spools are read or 5 s are over. */
export const DrainResponse = z.object({
  killed: z.array(ExecutionId),
  unread: z.array(ExecutionId),
});
export type DrainResponse = z.infer<typeof DrainResponse>;

/** `GET /logs`: the latest lines of the agent's own log. */
export const LogsResponse = z.object({
  lines: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
});
