/**
 * State machines and their executions without HTTP: starts, ends, finds them, and hands task tokens to whom they
 * belong. Clock, chance, functions and storage come in from outside, so that a test drives it as the service does.
 */
import { randomUUID } from 'node:crypto';
import { StepFunctionsError } from '../errors.ts';
import { TransitionCounts } from '../transition-counts.ts';
import { type Clock, wallClock } from './clock.ts';
import { parseDefinition } from './definition.ts';
import { Execution } from './execution.ts';
import type { HistoryEvent } from './history.ts';
import { isWithinPayload, type Json, PAYLOAD_BYTES } from './json.ts';
import type { ExecutionStore, ReadMachine, StateMachine, TaskInvoker } from './machine.ts';
import type { ExecutionRecord, Failure } from './record.ts';
import type { TaskAttempt } from './task-attempt.ts';
import { executionOf, tokenOf } from './tokens.ts';

export interface MachineEngineOptions {
  readonly invoke: TaskInvoker;
  readonly clock?: Clock;
  /** From 0 up to 1, for jitter and `$random`. */
  readonly random?: () => number;
  /** Without one, executions end with the process. */
  readonly store?: ExecutionStore | undefined;
  /** A history longer than this fails its execution. Default 25,000. */
  readonly maximumEvents?: number;
  /** So many ended executions, and their names, are remembered. Default 2,000. */
  readonly endedKept?: number;
  /** Hears of what is the interpreter's own fault; that execution stands still. */
  readonly onError?: (error: unknown) => void;
}

export interface StartOptions {
  readonly stateMachineArn: string;
  readonly name?: string | undefined;
  /** JSON. */
  readonly input?: string | undefined;
}

const nothingKept: ExecutionStore = { load: () => [], keep: () => {}, forget: () => {} };

export class MachineEngine {
  readonly transitions = new TransitionCounts();
  readonly #options: MachineEngineOptions;
  readonly #machines = new Map<string, ReadMachine>();
  readonly #executions = new Map<string, { execution: Execution; done: Promise<void> }>();
  readonly #ended: string[] = [];
  readonly #store: ExecutionStore;
  readonly #clock: Clock;
  #closed = false;

  constructor(options: MachineEngineOptions) {
    this.#options = options;
    this.#store = options.store ?? nothingKept;
    this.#clock = options.clock ?? wallClock;
  }

  /** Throws a `DefinitionError` for a machine that cannot run here. */
  register(machine: StateMachine): void {
    this.#machines.set(machine.stateMachineArn, {
      ...machine,
      states: parseDefinition(machine.definition),
    });
  }

  /** Goes on with what the store holds. Machines must be registered before. */
  resume(): void {
    const kept = [...this.#store.load()].sort(
      (a, b) => a.record.startedAtMs - b.record.startedAtMs,
    );
    for (const { record, events } of kept) {
      const machine = this.#machines.get(record.stateMachineArn);
      // Its machine may be deployed again one day.
      if (machine !== undefined) this.#run(machine, record, events);
    }
  }

  machine(stateMachineArn: string): StateMachine {
    const { states: _states, ...machine } = this.#machine(stateMachineArn);
    return machine;
  }

  /** The same name, machine and input answer the same execution as long as it runs. */
  start({ stateMachineArn, name = randomUUID(), input = '{}' }: StartOptions): ExecutionRecord {
    if (this.#closed) throw new Error('The state machines are closed');
    const machine = this.#machine(stateMachineArn);
    checkInput(input);
    const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const former = this.#executions.get(executionArn)?.execution.record;
    if (former?.status === 'RUNNING' && former.input === input) return former;
    if (former !== undefined)
      throw new StepFunctionsError(
        'ExecutionAlreadyExists',
        `Execution Already Exists: '${executionArn}'`,
      );
    const record: ExecutionRecord = {
      executionArn,
      stateMachineArn,
      name,
      input,
      startedAtMs: this.#clock.nowMs(),
      status: 'RUNNING',
      variables: {},
      transitions: 0,
      events: 0,
    };
    this.#run(machine, record, []);
    return record;
  }

  stop(executionArn: string, why: Failure = {}): ExecutionRecord {
    const { execution } = this.#find(executionArn);
    execution.stop('ABORTED', why);
    return execution.record;
  }

  execution(executionArn: string): ExecutionRecord {
    return this.#find(executionArn).execution.record;
  }

  /** Newest first, of one machine or of all. */
  executions(stateMachineArn?: string): ExecutionRecord[] {
    if (stateMachineArn !== undefined) this.#machine(stateMachineArn);
    return [...this.#executions.values()]
      .map(({ execution }) => execution.record)
      .filter(
        (record) => stateMachineArn === undefined || record.stateMachineArn === stateMachineArn,
      )
      .reverse();
  }

  history(executionArn: string): readonly HistoryEvent[] {
    return this.#find(executionArn).execution.events;
  }

  /** Resolves with the execution when it has ended. */
  async finished(executionArn: string): Promise<ExecutionRecord> {
    const { execution, done } = this.#find(executionArn);
    await done;
    return execution.record;
  }

  /** `output` is JSON. */
  sendTaskSuccess(token: string, output: string): void {
    const value = parseOutput(output);
    this.#attemptOf(token).end({ output: value });
  }

  sendTaskFailure(token: string, { error = 'States.TaskFailed', cause }: Failure): void {
    this.#attemptOf(token).end({ error, ...(cause === undefined ? {} : { cause }) });
  }

  sendTaskHeartbeat(token: string): void {
    this.#attemptOf(token).heartbeat();
  }

  /** Leaves every execution where it is: no timer and no wait is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { execution } of this.#executions.values()) execution.leave();
    await Promise.all([...this.#executions.values()].map(({ done }) => done));
  }

  #run(machine: ReadMachine, record: ExecutionRecord, events: readonly HistoryEvent[]): void {
    const execution = new Execution({
      machine,
      record,
      events,
      maximumEvents: this.#options.maximumEvents ?? 25_000,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      invoke: this.#options.invoke,
      newToken: () => tokenOf(record.executionArn),
      keep: (record, events) => this.#store.keep(record, events),
      onTransition: (state) => this.transitions.add({ stateMachine: machine.name, state }),
    });
    const done = execution
      .run()
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => {
        if (execution.record.status !== 'RUNNING') this.#forgetOldest(record.executionArn);
      });
    this.#executions.set(record.executionArn, { execution, done });
  }

  #forgetOldest(endedArn: string): void {
    this.#ended.push(endedArn);
    for (const arn of this.#ended.splice(
      0,
      this.#ended.length - (this.#options.endedKept ?? 2000),
    )) {
      this.#executions.delete(arn);
      this.#store.forget(arn);
    }
  }

  #machine(stateMachineArn: string): ReadMachine {
    const machine = this.#machines.get(stateMachineArn);
    if (machine !== undefined) return machine;
    throw new StepFunctionsError(
      'StateMachineDoesNotExist',
      `State Machine Does Not Exist: '${stateMachineArn}'`,
    );
  }

  #find(executionArn: string): { execution: Execution; done: Promise<void> } {
    const found = this.#executions.get(executionArn);
    if (found !== undefined) return found;
    throw new StepFunctionsError(
      'ExecutionDoesNotExist',
      `Execution Does Not Exist: '${executionArn}'`,
    );
  }

  #attemptOf(token: string): TaskAttempt {
    const executionArn = executionOf(token);
    if (executionArn === undefined)
      throw new StepFunctionsError('InvalidToken', "Invalid Token: 'Invalid token'");
    const known = this.#executions.get(executionArn);
    if (known === undefined)
      throw new StepFunctionsError('TaskDoesNotExist', "Task Does Not Exist: 'Unknown task'");
    const attempt = known.execution.attemptOf(token);
    if (attempt !== undefined) return attempt;
    throw new StepFunctionsError(
      'TaskTimedOut',
      "Task Timed Out: 'Provided task does not exist anymore'",
    );
  }
}

function checkInput(input: string): void {
  if (!isWithinPayload(input))
    throw new StepFunctionsError(
      'ValidationException',
      `1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to ${PAYLOAD_BYTES}`,
    );
  try {
    JSON.parse(input);
  } catch (error) {
    throw new StepFunctionsError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${String(error)}'`,
    );
  }
}

function parseOutput(output: string): Json {
  if (!isWithinPayload(output))
    throw new StepFunctionsError(
      'InvalidOutput',
      `Invalid Output: the output has more than ${PAYLOAD_BYTES} bytes`,
    );
  try {
    return JSON.parse(output) as Json;
  } catch (error) {
    throw new StepFunctionsError('InvalidOutput', `Invalid Output: '${String(error)}'`);
  }
}
