/**
 * One attempt of a Task: schedules it, calls its function, waits for the answer or the token, within its timeouts.
 *
 *   scheduled ─ function called ─┬─ answered ────────────────────────────→ result
 *                                └─ answered, then the token is waited for → output, error or timeout
 *
 * What a restart needs is kept before the function is called. It knows nothing of retries.
 */
import type { FunctionError } from '../../lambda/types.ts';
import type { Clock } from './clock.ts';
import type { TaskState } from './definition.ts';
import { evaluate, evaluateFields, type Scope } from './expressions.ts';
import type { History } from './history.ts';
import { isWithinPayload, type Json, PAYLOAD_BYTES } from './json.ts';
import type { ReadMachine, TaskInvoker } from './machine.ts';
import type { PendingTask, TaskOutcome, Visit } from './record.ts';
import { queryError, StateError } from './state-error.ts';

export interface TaskAttemptOptions {
  readonly machine: ReadMachine;
  readonly state: TaskState;
  readonly visit: Visit;
  readonly history: History;
  readonly clock: Clock;
  readonly invoke: TaskInvoker;
  readonly newToken: () => string;
  /** What expressions see; the token is part of the context object. */
  readonly scopeWith: (token: string | undefined) => Scope;
  /** Keeps the execution as it is. */
  readonly save: () => void;
}

const longestSeconds = 99_999_999;

export class TaskAttempt {
  readonly #options: TaskAttemptOptions;
  readonly #told = Promise.withResolvers<TaskOutcome>();

  constructor(options: TaskAttemptOptions) {
    this.#options = options;
  }

  /** Undefined once no token is waited for any more. */
  get token(): string | undefined {
    const task = this.#options.visit.task;
    return task?.outcome === undefined ? task?.token : undefined;
  }

  /** Whoever holds the token ends the task. It is kept before it counts. */
  end(outcome: TaskOutcome): void {
    const { visit, save } = this.#options;
    if (visit.task === undefined) return;
    visit.task.outcome = outcome;
    save();
    this.#told.resolve(outcome);
  }

  heartbeat(): void {
    const { visit, clock, save } = this.#options;
    if (visit.task?.heartbeatSeconds === undefined) return;
    visit.task.heartbeatAtMs = clock.nowMs() + visit.task.heartbeatSeconds * 1000;
    save();
  }

  /** The result of the task; throws a `StateError`, or whatever the signal was aborted with. */
  async run(signal: AbortSignal): Promise<Json> {
    const { visit, history } = this.#options;
    const task = visit.task ?? (await this.#schedule(signal));
    // All that goes on besides ends with the attempt.
    const settled = new AbortController();
    const within = AbortSignal.any([signal, settled.signal]);
    try {
      const result = await Promise.race([
        aborted(signal, settled.signal),
        this.#untilTold(task),
        this.#timedOut(task, within),
        this.#call(task, within),
      ]);
      // What ended in the same moment leaves no trace after the end.
      signal.throwIfAborted();
      this.#checkSize(result);
      history.add('TaskSucceeded', {
        taskSucceededEventDetails: { ...this.#resource, output: JSON.stringify(result) },
      });
      return result;
    } catch (error) {
      if (!signal.aborted && error instanceof StateError) this.#tellFailure(error);
      throw error;
    } finally {
      settled.abort();
      // What was left in the middle is gone on with by another process.
      if (!signal.aborted) delete visit.task;
    }
  }

  get #resource() {
    const resource = this.#options.state.Resource.split(':').at(-1) ?? '';
    return { resourceType: 'lambda', resource };
  }

  async #schedule(signal: AbortSignal): Promise<PendingTask> {
    const { machine, state, visit, history, newToken, scopeWith, save } = this.#options;
    const token = state.Resource.endsWith('.waitForTaskToken') ? newToken() : undefined;
    const scope = scopeWith(token);
    const parameters = await evaluateFields(
      { FunctionName: state.Arguments.FunctionName, Payload: state.Arguments.Payload ?? {} },
      'Arguments',
      scope,
    );
    const timeoutSeconds = await this.#seconds('TimeoutSeconds', scope);
    const heartbeatSeconds = await this.#seconds('HeartbeatSeconds', scope);
    signal.throwIfAborted();
    const { FunctionName: functionName, Payload: payload = null } = parameters;
    if (typeof functionName !== 'string' || functionName === '')
      throw queryError('Arguments.FunctionName', 'FunctionName must be the name of a function');
    this.#checkSize(parameters);
    history.add('TaskScheduled', {
      taskScheduledEventDetails: {
        ...this.#resource,
        region: machine.stateMachineArn.split(':')[3] ?? '',
        parameters: JSON.stringify(parameters),
        ...(timeoutSeconds === undefined ? {} : { timeoutInSeconds: timeoutSeconds }),
        ...(heartbeatSeconds === undefined ? {} : { heartbeatInSeconds: heartbeatSeconds }),
      },
    });
    history.add('TaskStarted', { taskStartedEventDetails: this.#resource });
    const now = scope.clock.nowMs();
    const task: PendingTask = {
      functionName,
      payload,
      submitted: false,
      ...(token === undefined ? {} : { token }),
      ...(timeoutSeconds === undefined ? {} : { timeoutAtMs: now + timeoutSeconds * 1000 }),
      ...(heartbeatSeconds === undefined
        ? {}
        : { heartbeatSeconds, heartbeatAtMs: now + heartbeatSeconds * 1000 }),
    };
    visit.task = task;
    save();
    return task;
  }

  /** Step Functions takes whole seconds from 1 on; zero and fractions fail the state. */
  async #seconds(
    field: 'TimeoutSeconds' | 'HeartbeatSeconds',
    scope: Scope,
  ): Promise<number | undefined> {
    const template = this.#options.state[field];
    if (template === undefined) return undefined;
    const value = await evaluate(template, field, scope);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1)
      return Math.min(value, longestSeconds);
    throw queryError(
      field,
      `The field '${field}' must be a whole number from 1 to ${longestSeconds}, but was ${JSON.stringify(value)}`,
    );
  }

  async #call(task: PendingTask, signal: AbortSignal): Promise<Json> {
    const { machine, invoke, history, save } = this.#options;
    if (task.submitted || task.outcome !== undefined) return never();
    const { functionName, payload } = task;
    const { stateMachineArn, roleArn } = machine;
    const outcome = await invoke({ functionName, payload, stateMachineArn, roleArn }, signal).catch(
      (error: unknown) => {
        throw refusedCall(error);
      },
    );
    if (signal.aborted) return never();
    if ('error' in outcome) throw functionFailure(outcome.error);
    const result = {
      ExecutedVersion: '$LATEST',
      Payload: (outcome.payload ?? null) as Json,
      StatusCode: 200,
    };
    if (task.token === undefined) return result;
    history.add('TaskSubmitted', {
      taskSubmittedEventDetails: { ...this.#resource, output: JSON.stringify(result) },
    });
    task.submitted = true;
    save();
    return never();
  }

  async #untilTold(task: PendingTask): Promise<Json> {
    const outcome = task.outcome ?? (await this.#told.promise);
    if ('output' in outcome) return outcome.output;
    throw new StateError(outcome.error, outcome.cause);
  }

  async #timedOut(task: PendingTask, signal: AbortSignal): Promise<never> {
    const { clock } = this.#options;
    for (;;) {
      const { timeoutAtMs = Infinity, heartbeatAtMs = Infinity } = task;
      const next = Math.min(timeoutAtMs, heartbeatAtMs);
      if (next === Infinity) return never();
      const leftMs = next - clock.nowMs();
      if (leftMs > 0) await clock.sleep(leftMs, signal);
      if (signal.aborted) return never();
      if (clock.nowMs() >= timeoutAtMs) throw new StateError('States.Timeout');
      // AWS tells of a missed heartbeat as a timeout too; Catch may use either name.
      if (clock.nowMs() >= (task.heartbeatAtMs ?? Infinity))
        throw new StateError('States.Timeout', undefined, { alias: 'States.HeartbeatTimeout' });
    }
  }

  #checkSize(value: Json): void {
    if (isWithinPayload(JSON.stringify(value))) return;
    throw new StateError(
      'States.DataLimitExceeded',
      `The state/task '${this.#options.visit.state}' returned a result with a size exceeding the maximum number of bytes service limit (${PAYLOAD_BYTES}).`,
    );
  }

  #tellFailure({ error, reason, location }: StateError): void {
    if (location !== undefined || error === 'States.Runtime') return;
    const details = {
      ...this.#resource,
      error,
      ...(reason === undefined ? {} : { cause: reason }),
    };
    const { history } = this.#options;
    if (error === 'States.Timeout')
      history.add('TaskTimedOut', { taskTimedOutEventDetails: details });
    else history.add('TaskFailed', { taskFailedEventDetails: details });
  }
}

/** What a race waits for besides its other runners. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function aborted(signal: AbortSignal, until: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { signal: until });
  });
}

function functionFailure({ errorType, errorMessage, trace }: FunctionError): StateError {
  const cause = JSON.stringify({ errorMessage, errorType, trace });
  return new StateError(errorType === '' ? 'Lambda.Unknown' : errorType, cause);
}

function refusedCall(error: unknown): StateError {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return new StateError(
    typeof code === 'string' ? `Lambda.${code}` : 'Lambda.Unknown',
    typeof message === 'string' ? message : String(error),
  );
}
