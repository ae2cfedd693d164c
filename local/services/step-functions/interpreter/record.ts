/**
 * An execution as it is kept: all that is needed to go on with it in another process. Plain data, parsed where it is
 * read back. Instants are milliseconds since 1970.
 */
import { z } from 'zod';

const json = z.json();

/** How a task ended: by its function, or by whoever held its token. */
const outcome = z.union([
  z.object({ output: json }),
  z.object({ error: z.string(), cause: z.string().optional() }),
]);

const pendingTask = z.object({
  /** Of a task that waits for one. */
  token: z.string().optional(),
  functionName: z.string(),
  payload: json,
  timeoutAtMs: z.number().optional(),
  heartbeatSeconds: z.number().optional(),
  heartbeatAtMs: z.number().optional(),
  /** The function has answered; only the token is waited for. */
  submitted: z.boolean(),
  outcome: outcome.optional(),
});

const visit = z.object({
  state: z.string(),
  input: json,
  enteredAtMs: z.number(),
  retryCount: z.number(),
  /** Attempts made by each retrier of the state, in its order. */
  attempts: z.array(z.number()),
  /** A Wait, or the pause before a retry, is over then. */
  wakeAtMs: z.number().optional(),
  task: pendingTask.optional(),
});

export const executionRecord = z.object({
  executionArn: z.string(),
  stateMachineArn: z.string(),
  name: z.string(),
  /** JSON, exactly as it was given. */
  input: z.string(),
  startedAtMs: z.number(),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
  stoppedAtMs: z.number().optional(),
  output: z.string().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
  variables: z.record(z.string(), json),
  /** Where a running execution is. */
  visit: visit.optional(),
  /** States entered, and retries. */
  transitions: z.number(),
  /** Length of its history. */
  events: z.number(),
});

export type ExecutionRecord = z.output<typeof executionRecord>;
export type Visit = z.output<typeof visit>;
export type PendingTask = z.output<typeof pendingTask>;
export type TaskOutcome = z.output<typeof outcome>;
/** Why an execution or a task ended badly. */
export interface Failure {
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

export type EndStatus = Exclude<ExecutionRecord['status'], 'RUNNING'>;
