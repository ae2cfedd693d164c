/** What the interpreter is given: a machine, a way to call functions, a place to keep executions. Types only. */
import type { InvokeOutcome } from '../../lambda/types.ts';
import type { Definition } from './definition.ts';
import type { HistoryEvent } from './history.ts';
import type { Json } from './json.ts';
import type { ExecutionRecord } from './record.ts';

export interface StateMachine {
  readonly stateMachineArn: string;
  readonly name: string;
  /** The machine acts under this role. */
  readonly roleArn: string;
  /** Amazon States Language, as it was given. */
  readonly definition: string;
}

export interface ReadMachine extends StateMachine {
  readonly states: Definition;
}

/** One call of a function by a Task. */
export interface TaskCall {
  /** Name or ARN. */
  readonly functionName: string;
  readonly payload: Json;
  /** Who calls, and under which role. */
  readonly stateMachineArn: string;
  readonly roleArn: string;
}

/**
 * Calls a function and answers what it returned or how it failed. Rejects with an error that has a `code` when Lambda
 * refuses the call; `signal` aborts when nobody waits for the answer any more.
 */
export type TaskInvoker = (call: TaskCall, signal: AbortSignal) => Promise<InvokeOutcome>;

/** Keeps executions beyond the process. */
export interface ExecutionStore {
  /** All that is kept, ended ones too. */
  load(): readonly KeptExecution[];
  /** Keeps the record as it is now, and the events after those it was kept with before. */
  keep(record: ExecutionRecord, events: readonly HistoryEvent[]): void;
  forget(executionArn: string): void;
}

export interface KeptExecution {
  readonly record: ExecutionRecord;
  readonly events: readonly HistoryEvent[];
}
