/**
 * One running execution: it goes from state to state until it ends, is stopped, or the machine is closed. What it is
 * doing is in its record alone, so that any process can go on with it; time passes here and in task-attempt.ts.
 */

import type { Clock } from './clock.ts';
import { contextOf } from './context.ts';
import type { State, TaskState, WaitState } from './definition.ts';
import { choose, type Exit, exitTo, failure } from './exits.ts';
import { evaluate, type Scope } from './expressions.ts';
import { History, type HistoryEvent, whole } from './history.ts';
import { isWithinPayload, type Json, PAYLOAD_BYTES } from './json.ts';
import type { ReadMachine, TaskInvoker } from './machine.ts';
import type { EndStatus, ExecutionRecord, Failure, Visit } from './record.ts';
import { pauseBeforeRetry } from './retry.ts';
import { isMeant, queryError, StateError } from './state-error.ts';
import { TaskAttempt } from './task-attempt.ts';

const iso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

export interface ExecutionOptions {
  readonly machine: ReadMachine;
  readonly record: ExecutionRecord;
  readonly events: readonly HistoryEvent[];
  readonly maximumEvents: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly invoke: TaskInvoker;
  readonly newToken: () => string;
  readonly keep: (record: ExecutionRecord, events: readonly HistoryEvent[]) => void;
  /** A state was entered, or is tried again. */
  readonly onTransition: (state: string) => void;
}

export class Execution {
  readonly record: ExecutionRecord;
  readonly #options: ExecutionOptions;
  readonly #history: History;
  readonly #leaving = new AbortController();
  #attempt: TaskAttempt | undefined;

  constructor(options: ExecutionOptions) {
    const { clock, maximumEvents: limit, events } = options;
    this.#options = options;
    this.record = options.record;
    this.#history = new History({ limit, nowMs: () => clock.nowMs(), events });
  }

  get events(): readonly HistoryEvent[] {
    return this.#history.events;
  }

  /** The attempt whose token this is, if it is waited for. */
  attemptOf(token: string): TaskAttempt | undefined {
    const isRunning = this.record.visit !== undefined;
    return isRunning && this.#attempt?.token === token ? this.#attempt : undefined;
  }

  /** Resolves when the execution has ended, or was left by `leave`. */
  async run(): Promise<void> {
    try {
      this.#begin();
      void this.#limitTime();
      while (this.record.visit !== undefined && !this.#signal.aborted)
        await this.#pass(this.record.visit);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (!(error instanceof StateError)) throw error;
      this.#end('FAILED', { error: error.error, cause: error.reason });
    }
  }

  /** Ends it from without. */
  stop(status: 'ABORTED' | 'TIMED_OUT', why: Failure): void {
    if (this.record.status === 'RUNNING') this.#end(status, why);
  }

  /** Lets go of it as it is: no timer is left, another process may go on. What its token is told is still kept. */
  leave(): void {
    this.#leaving.abort();
  }

  get #signal(): AbortSignal {
    return this.#leaving.signal;
  }

  #begin(): void {
    if (this.#history.events.length > 0) return;
    const { roleArn, states } = this.#options.machine;
    const { input } = this.record;
    this.#history.add('ExecutionStarted', {
      executionStartedEventDetails: { input, inputDetails: whole, roleArn },
    });
    this.#enter(states.StartAt, JSON.parse(input) as Json);
    this.#save();
  }

  async #limitTime(): Promise<void> {
    const { clock, machine } = this.#options;
    const seconds = machine.states.TimeoutSeconds;
    if (seconds === undefined) return;
    const leftMs = this.record.startedAtMs + seconds * 1000 - clock.nowMs();
    await clock.sleep(Math.max(0, leftMs), this.#signal);
    if (!this.#signal.aborted) this.stop('TIMED_OUT', {});
  }

  #enter(state: string, input: Json): void {
    const { clock, machine } = this.#options;
    const content = machine.states.States[state];
    if (content === undefined)
      throw new StateError('States.Runtime', `The machine has no state "${state}" any more`);
    this.record.visit = {
      state,
      input,
      enteredAtMs: clock.nowMs(),
      retryCount: 0,
      attempts: [],
    };
    this.#count(state);
    const details = { name: state, input: JSON.stringify(input), inputDetails: whole };
    this.#history.add(`${content.Type}StateEntered`, { stateEnteredEventDetails: details });
  }

  /** One state, from where it stands to where it is left. */
  async #pass(visit: Visit): Promise<void> {
    const state = this.#options.machine.states.States[visit.state];
    if (state === undefined)
      throw new StateError('States.Runtime', `The machine has no state "${visit.state}" any more`);
    let exit: Exit;
    try {
      exit = await (state.Type === 'Task' ? this.#task(state, visit) : this.#plain(state, visit));
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof StateError) this.#tellEvaluation(error, visit);
      throw error;
    }
    this.#signal.throwIfAborted();
    this.#leaveState(state, visit, exit);
  }

  #leaveState(state: State, visit: Visit, { output, assigned, next }: Exit): void {
    const text = JSON.stringify(output);
    for (const [name, value] of [['Output', output], ...Object.entries(assigned)] as const)
      if (!isWithinPayload(JSON.stringify(value)))
        throw new StateError(
          'States.DataLimitExceeded',
          `${name} of the state '${visit.state}' is larger than ${PAYLOAD_BYTES} bytes`,
        );
    Object.assign(this.record.variables, assigned);
    const shown = Object.entries(assigned).map(([name, value]) => [name, JSON.stringify(value)]);
    this.#history.add(`${state.Type}StateExited`, {
      stateExitedEventDetails: {
        name: visit.state,
        output: text,
        outputDetails: whole,
        ...(shown.length === 0
          ? {}
          : { assignedVariables: Object.fromEntries(shown), assignedVariablesDetails: whole }),
      },
    });
    if (next === undefined) this.#end('SUCCEEDED', { output: text });
    else this.#enter(next, output);
  }

  async #plain(state: Exclude<State, TaskState>, visit: Visit): Promise<Exit> {
    const scope = this.#scope(visit);
    const otherwise = visit.input;
    switch (state.Type) {
      case 'Choice':
        return choose(state, scope, visit.input);
      case 'Fail':
        throw await failure(state, scope);
      case 'Succeed':
        return exitTo({ next: undefined, fields: state, scope, otherwise });
      case 'Wait':
        await this.#wait(state, visit);
        return exitTo({ next: state.Next, fields: state, scope, otherwise });
      case 'Pass':
        return exitTo({ next: state.Next, fields: state, scope, otherwise });
    }
  }

  async #wait(state: WaitState, visit: Visit): Promise<void> {
    visit.wakeAtMs ??= await this.#wakeTime(state, visit);
    this.#save();
    await this.#sleepUntil(visit.wakeAtMs);
  }

  async #wakeTime({ Seconds, Timestamp }: WaitState, visit: Visit): Promise<number> {
    const scope = this.#scope(visit);
    if (Timestamp !== undefined) {
      const value = await evaluate(Timestamp, 'Timestamp', scope);
      const instant = typeof value === 'string' && iso.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(instant))
        throw queryError(
          'Timestamp',
          `Timestamp must be ISO 8601, but was ${JSON.stringify(value)}`,
        );
      return instant;
    }
    const value = await evaluate(Seconds ?? 0, 'Seconds', scope);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 99_999_999)
      throw queryError(
        'Seconds',
        `Seconds must be a whole number from 0 to 99999999, but was ${JSON.stringify(value)}`,
      );
    return this.#options.clock.nowMs() + value * 1000;
  }

  async #task(state: TaskState, visit: Visit): Promise<Exit> {
    for (;;) {
      if (visit.wakeAtMs !== undefined) await this.#sleepUntil(visit.wakeAtMs);
      delete visit.wakeAtMs;
      try {
        return await this.#tryTask(state, visit);
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!(error instanceof StateError)) throw error;
        const exit = await this.#recover(state, visit, error);
        if (exit !== undefined) return exit;
      }
    }
  }

  async #tryTask(state: TaskState, visit: Visit): Promise<Exit> {
    const { machine, clock, invoke, newToken } = this.#options;
    this.#attempt = new TaskAttempt({
      machine,
      state,
      visit,
      history: this.#history,
      clock,
      invoke,
      newToken,
      scopeWith: (token) => this.#scope(visit, {}, token),
      save: () => this.#save(),
    });
    const result = await this.#attempt.run(this.#signal);
    const scope = this.#scope(visit, { result });
    return exitTo({ next: state.Next, fields: state, scope, otherwise: result });
  }

  /** Undefined when the task is to be tried again; throws what nothing catches. */
  async #recover(state: TaskState, visit: Visit, error: StateError): Promise<Exit | undefined> {
    const { random, clock } = this.#options;
    const { Retry: retriers } = state;
    const pauseMs = pauseBeforeRetry({ retriers, attempts: visit.attempts, error, random });
    if (pauseMs !== undefined) {
      this.#tellEvaluation(error, visit);
      visit.retryCount += 1;
      visit.wakeAtMs = clock.nowMs() + pauseMs;
      this.#count(visit.state);
      this.#save();
      return undefined;
    }
    const catcher = state.Catch.find(({ ErrorEquals }) => isMeant(ErrorEquals, error));
    if (catcher === undefined) throw error;
    this.#tellEvaluation(error, visit);
    const scope = this.#scope(visit, { errorOutput: error.output });
    return exitTo({ next: catcher.Next, fields: catcher, scope, otherwise: error.output });
  }

  #tellEvaluation({ error, reason = '', location }: StateError, { state }: Visit): void {
    if (location === undefined) return;
    this.#history.add('EvaluationFailed', {
      evaluationFailedEventDetails: { error, cause: reason, location, state },
    });
  }

  #scope(visit: Visit, more: { readonly [name: string]: Json } = {}, token?: string): Scope {
    const { clock, random, machine } = this.#options;
    const { record } = this;
    const context = contextOf({ machine, record, visit, token });
    const states = { input: visit.input, ...more, context };
    return { clock, random, variables: record.variables, states };
  }

  async #sleepUntil(atMs: number): Promise<void> {
    const leftMs = atMs - this.#options.clock.nowMs();
    if (leftMs > 0) await this.#options.clock.sleep(leftMs, this.#signal);
    this.#signal.throwIfAborted();
  }

  #count(state: string): void {
    this.record.transitions += 1;
    this.#options.onTransition(state);
  }

  #end(status: EndStatus, result: Failure & { readonly output?: string }): void {
    const { output, error, cause } = result;
    const why = {
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    };
    delete this.record.visit;
    const stoppedAtMs = this.#options.clock.nowMs();
    const given = output === undefined ? {} : { output };
    Object.assign(this.record, { status, stoppedAtMs, ...given, ...why });
    const details = {
      SUCCEEDED: { executionSucceededEventDetails: { output, outputDetails: whole } },
      FAILED: { executionFailedEventDetails: why },
      TIMED_OUT: { executionTimedOutEventDetails: why },
      ABORTED: { executionAbortedEventDetails: why },
    };
    const names = {
      SUCCEEDED: 'ExecutionSucceeded',
      FAILED: 'ExecutionFailed',
      TIMED_OUT: 'ExecutionTimedOut',
      ABORTED: 'ExecutionAborted',
    };
    this.#history.addEnd(names[status], details[status]);
    this.#save();
    this.#leaving.abort();
  }

  #save(): void {
    this.record.events = this.#history.events.length;
    this.#options.keep(this.record, this.#history.events);
  }
}
