/** Executions over REST: run code, read the record, read or stream the events, feed, interrupt. */
import * as z from 'zod/mini';
import {
  ExecutionLimits,
  StdinPart,
  StdinResponse,
  TimeoutMs,
  UserEnv,
} from '../agent/protocol.ts';
import { Event, ExecutionErrorInfo, Metrics, MimeBundle, Outcome, ResultEvent } from '../events.ts';
import { ContextId, ExecutionId, SandboxId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { Language } from '../runtimes.ts';
import { operation, Page, pageOf, QueryInt } from './operation.ts';

export const EXECUTION_STATUSES = ['queued', 'running', 'finished', 'lost'] as const;

export const Result = z.pick(ResultEvent, { main: true, displayId: true, data: true, ref: true });
export type Result = z.infer<typeof Result>;

/** A result as the log has it, however large. */
export const WholeResult = z.object({
  main: z.boolean(),
  displayId: z.optional(z.string()),
  data: MimeBundle,
});
export type WholeResult = z.infer<typeof WholeResult>;

/** The record without what it printed: what a list shows. */
export const ExecutionSummary = z.object({
  id: ExecutionId,
  sandboxId: SandboxId,
  /** The context that was named; absent for the default one of its language. */
  contextId: z.optional(ContextId),
  /** Absent for a process and a watch. */
  language: z.optional(Language),
  /** Of a process. */
  pid: z.optional(z.int()),
  /** Of a watch: its directory. */
  watch: z.optional(z.string()),
  status: z.enum(EXECUTION_STATUSES),
  outcome: z.optional(Outcome),
  createdAt: z.iso.datetime(),
  startedAt: z.optional(z.iso.datetime()),
  finishedAt: z.optional(z.iso.datetime()),
  exitCode: z.optional(z.nullable(z.int())),
  executionCount: z.optional(z.int()),
  metrics: z.optional(Metrics),
  /** True when output was dropped at the cap. */
  truncated: z.boolean(),
  /** Seq of the last event known. */
  lastSeq: z.int(),
});
export type ExecutionSummary = z.infer<typeof ExecutionSummary>;

export const Execution = z.object({
  ...ExecutionSummary.shape,
  stdout: z.string(),
  stderr: z.string(),
  /** True when more was printed than stands here, 1 MiB or what a process printed first: all is in the events. */
  stdoutTruncated: z.boolean(),
  stderrTruncated: z.boolean(),
  results: z.array(Result),
  /** True when results over 4 MiB in sum were left out, or an update of one: they are in the events. */
  resultsTruncated: z.boolean(),
  error: z.optional(ExecutionErrorInfo),
});
export type Execution = z.infer<typeof Execution>;

export const ExecuteBody = z.strictObject({
  /** UTF-8, at most 1 MiB. */
  code: z.string(),
  /** Runs in the default context of the language; without it, of the runtime's own. */
  language: z.optional(Language),
  /** Runs in this context, whose language it has; instead of `language`. */
  contextId: z.optional(ContextId),
  /** Wall time in milliseconds, 100 to 30 min. Default: 30 s. */
  timeoutMs: z.optional(TimeoutMs),
  limits: z.optional(ExecutionLimits),
  env: z.optional(UserEnv),
  cwd: z.optional(z.string().check(z.minLength(1), z.maxLength(LIMITS.pathBytes))),
  stdin: z.optional(z.string().check(z.maxLength(LIMITS.stdinBytes))),
  /**
   * More of it follows by writeStdin. Without it the code meets the end of `stdin`, at once where there
   * is none. In JavaScript and TypeScript `process.stdin` hears of it, and neither fd 0 nor a child does.
   */
  keepStdinOpen: z.optional(z.boolean()),
});
export type ExecuteBody = z.infer<typeof ExecuteBody>;

export const EventPage = z.object({
  items: z.array(Event),
  /** The seq to pass as `after` next. */
  nextCursor: z.int(),
  finished: z.boolean(),
});
export type EventPage = z.infer<typeof EventPage>;

const SandboxPath = z.strictObject({ sandboxId: SandboxId });
const ExecutionPath = z.strictObject({ executionId: ExecutionId });

export const executionOperations = {
  executeCode: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/execute',
    role: 'developer',
    summary:
      'Run code. JSON within 25 s, else 202; `Accept: text/event-stream` streams; `Prefer: respond-async` is 202 at once',
    params: SandboxPath,
    headers: ['Idempotency-Key', 'Prefer'],
    body: ExecuteBody,
    answers: { 200: Execution, 202: Execution },
    streams: true,
    errors: [
      'SANDBOX_NOT_FOUND',
      'SANDBOX_GONE',
      'INVALID_SANDBOX_STATE',
      'CODE_TOO_LARGE',
      'RESOURCE_LIMIT_ERROR',
      'AGENT_UNREACHABLE',
      'NOT_SUPPORTED',
      'CONTEXT_NOT_FOUND',
    ],
  }),
  listExecutions: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/executions',
    role: 'viewer',
    summary: 'List the executions of a sandbox, newest first',
    params: SandboxPath,
    query: z.strictObject(Page.shape),
    answers: { 200: pageOf(ExecutionSummary) },
    errors: ['SANDBOX_NOT_FOUND'],
  }),
  getExecution: operation({
    method: 'GET',
    path: '/executions/{executionId}',
    role: 'viewer',
    summary: 'Read an execution with what it has printed so far',
    params: ExecutionPath,
    answers: { 200: Execution },
    errors: ['EXECUTION_NOT_FOUND'],
  }),
  readEvents: operation({
    method: 'GET',
    path: '/executions/{executionId}/events',
    role: 'viewer',
    summary: 'Read events after a cursor: long poll, or a stream with `Accept: text/event-stream`',
    params: ExecutionPath,
    headers: ['Last-Event-ID'],
    query: z.strictObject({
      after: z.optional(QueryInt.check(z.nonnegative())),
      waitMs: z.optional(QueryInt.check(z.nonnegative(), z.maximum(LIMITS.longPollMs))),
    }),
    answers: { 200: EventPage },
    streams: true,
    errors: ['EXECUTION_NOT_FOUND', 'CURSOR_EXPIRED'],
  }),
  readResult: operation({
    method: 'GET',
    path: '/executions/{executionId}/results/{seq}',
    role: 'viewer',
    summary: 'Read a result whole that stands by reference in events and answers: up to 16 MiB',
    params: z.strictObject({ executionId: ExecutionId, seq: QueryInt.check(z.positive()) }),
    answers: { 200: WholeResult },
    errors: ['EXECUTION_NOT_FOUND', 'CURSOR_EXPIRED', 'DEADLINE_EXCEEDED'],
  }),
  interrupt: operation({
    method: 'DELETE',
    path: '/executions/{executionId}',
    role: 'developer',
    summary: 'Interrupt an execution: SIGINT, after 5 s SIGKILL',
    params: ExecutionPath,
    answers: { 202: ExecutionSummary },
    errors: ['EXECUTION_NOT_FOUND', 'AGENT_UNREACHABLE'],
  }),
  writeStdin: operation({
    method: 'POST',
    path: '/executions/{executionId}/stdin',
    role: 'developer',
    summary:
      'Write to the stdin of an execution that was started with `keepStdinOpen`; a repeat with the same seq is read once',
    params: ExecutionPath,
    body: StdinPart,
    answers: { 202: StdinResponse },
    errors: [
      'EXECUTION_NOT_FOUND',
      'INVALID_SANDBOX_STATE',
      'SANDBOX_GONE',
      'PAYLOAD_TOO_LARGE',
      'RESOURCE_LIMIT_ERROR',
      'AGENT_UNREACHABLE',
    ],
  }),
};
