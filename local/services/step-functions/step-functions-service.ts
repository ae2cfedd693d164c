/**
 * The Step Functions stand-in: the API over the machine engine. State machines come from the assembly only; they call
 * functions in process. It knows nothing of what a machine is for.
 */
import type { ServerResponse } from 'node:http';
import type { FunctionInvoker } from '../lambda/types.ts';
import type { AwsRequest, AwsService, UncheckedRequest } from '../service.ts';
import { sendJson } from '../shared/send-json.ts';
import { describeExecution, pageOf, summarizeExecution, withoutData } from './answers.ts';
import { StepFunctionsError } from './errors.ts';
import { ExecutionJournal } from './execution-journal.ts';
import type { Clock } from './interpreter/clock.ts';
import { MachineEngine } from './interpreter/engine.ts';
import type { StateMachine, TaskCall } from './interpreter/machine.ts';
import { checkName, requests, serve } from './requests.ts';
import { stepFunctionsRights } from './rights.ts';

export interface StepFunctionsOptions {
  readonly accountId: string;
  readonly region: string;
  readonly invoker: Pick<FunctionInvoker, 'invoke'>;
  /** Throws what Lambda answers a machine whose role may not invoke a function. Without it every role may. */
  readonly mayInvoke?: (call: Pick<TaskCall, 'roleArn' | 'functionName'>) => void;
  /** Where executions outlive the process; without it they end with it. */
  readonly directory?: string | undefined;
  readonly clock?: Clock;
  readonly onError: (error: unknown) => void;
}

/** What an operator sees of one execution. */
export interface ExecutionState {
  readonly stateMachine: string;
  readonly name: string;
  readonly status: string;
  /** Where a running one stands. */
  readonly state: string | undefined;
  readonly transitions: number;
  readonly events: number;
}

export class StepFunctionsService implements AwsService {
  readonly name = 'states';
  readonly #options: StepFunctionsOptions;
  readonly #engine: MachineEngine;
  readonly #createdAt = Date.now();

  constructor(options: StepFunctionsOptions) {
    const { invoker, directory, clock, onError, mayInvoke } = options;
    this.#options = options;
    this.#engine = new MachineEngine({
      invoke: async ({ roleArn, functionName, payload }, signal) => {
        mayInvoke?.({ roleArn, functionName });
        return invoker.invoke(functionName, payload, { signal });
      },
      store: directory === undefined ? undefined : new ExecutionJournal({ directory, onError }),
      onError,
      ...(clock === undefined ? {} : { clock }),
    });
  }

  get transitions() {
    return this.#engine.transitions;
  }

  executions(): readonly ExecutionState[] {
    return this.#engine.executions().map((record) => ({
      stateMachine: record.stateMachineArn.split(':').at(-1) ?? '',
      name: record.name,
      status: record.status,
      state: record.visit?.state,
      transitions: record.transitions,
      events: record.events,
    }));
  }

  /** Answers the ARN. Throws a `DefinitionError` for a machine that cannot run here. */
  createStateMachine(machine: Omit<StateMachine, 'stateMachineArn'>): string {
    const { region, accountId } = this.#options;
    const stateMachineArn = `arn:aws:states:${region}:${accountId}:stateMachine:${machine.name}`;
    this.#engine.register({ ...machine, stateMachineArn });
    return stateMachineArn;
  }

  /** Goes on with the executions of a former run, once their machines and functions stand. */
  resume(): void {
    this.#engine.resume();
  }

  rights({ target, body }: UncheckedRequest) {
    return stepFunctionsRights(target?.split('.').at(-1) ?? '', body);
  }

  async handle({ target, body }: AwsRequest, response: ServerResponse): Promise<void> {
    try {
      sendJson(response, 200, this.#answer(target?.split('.').at(-1) ?? '', body), '1.0');
    } catch (error) {
      if (!(error instanceof StepFunctionsError)) throw error;
      sendJson(response, 400, { __type: error.code, message: error.message }, '1.0');
    }
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  #answer(operation: string, body: Buffer | undefined): object {
    const answer = Object.hasOwn(this.#operations, operation)
      ? this.#operations[operation]
      : undefined;
    if (answer !== undefined) return answer(body);
    throw new StepFunctionsError(
      'UnknownOperationException',
      `The stand-in of Step Functions does not serve the operation ${operation}`,
    );
  }

  readonly #operations: Readonly<Record<string, (body: Buffer | undefined) => object>> = {
    StartExecution: serve(requests.StartExecution, (request) => {
      checkName(request.name);
      const { executionArn, startedAtMs } = this.#engine.start(request);
      return { executionArn, startDate: startedAtMs / 1000 };
    }),
    DescribeExecution: serve(requests.DescribeExecution, ({ executionArn }) =>
      describeExecution(this.#engine.execution(executionArn)),
    ),
    StopExecution: serve(requests.StopExecution, ({ executionArn, ...why }) => {
      const { stoppedAtMs = 0 } = this.#engine.stop(executionArn, why);
      return { stopDate: stoppedAtMs / 1000 };
    }),
    ListExecutions: serve(
      requests.ListExecutions,
      ({ stateMachineArn, statusFilter, ...paging }) => {
        const matching = this.#engine
          .executions(stateMachineArn)
          .filter(({ status }) => statusFilter === undefined || status === statusFilter);
        const { page, next } = pageOf(matching, paging);
        return { executions: page.map(summarizeExecution), ...next };
      },
    ),
    GetExecutionHistory: serve(
      requests.GetExecutionHistory,
      ({ executionArn, reverseOrder, includeExecutionData, ...paging }) => {
        const events = this.#engine.history(executionArn);
        const { page, next } = pageOf(reverseOrder ? events.toReversed() : events, paging);
        return { events: includeExecutionData ? page : page.map(withoutData), ...next };
      },
    ),
    DescribeStateMachine: serve(requests.DescribeStateMachine, ({ stateMachineArn }) => ({
      ...this.#engine.machine(stateMachineArn),
      status: 'ACTIVE',
      type: 'STANDARD',
      creationDate: this.#createdAt / 1000,
    })),
    SendTaskSuccess: serve(requests.SendTaskSuccess, ({ taskToken, output }) => {
      this.#engine.sendTaskSuccess(taskToken, output);
      return {};
    }),
    SendTaskFailure: serve(requests.SendTaskFailure, ({ taskToken, ...why }) => {
      this.#engine.sendTaskFailure(taskToken, why);
      return {};
    }),
    SendTaskHeartbeat: serve(requests.SendTaskHeartbeat, ({ taskToken }) => {
      this.#engine.sendTaskHeartbeat(taskToken);
      return {};
    }),
  };
}
