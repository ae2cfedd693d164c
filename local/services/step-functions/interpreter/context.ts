/** The context object: what an expression sees of its execution as `$states.context`. Pure. */
import type { Json } from './json.ts';
import type { StateMachine } from './machine.ts';
import type { ExecutionRecord, Visit } from './record.ts';

export function contextOf(options: {
  readonly machine: StateMachine;
  readonly record: ExecutionRecord;
  readonly visit: Visit;
  /** Of a task that waits for one, while it is being called. */
  readonly token?: string | undefined;
}): Json {
  const { machine, record, visit, token } = options;
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    Execution: {
      Id: record.executionArn,
      Name: record.name,
      Input: JSON.parse(record.input) as Json,
      RoleArn: machine.roleArn,
      StartTime: iso(record.startedAtMs),
      RedriveCount: 0,
    },
    State: {
      Name: visit.state,
      EnteredTime: iso(visit.enteredAtMs),
      RetryCount: visit.retryCount,
    },
    StateMachine: { Id: machine.stateMachineArn, Name: machine.name },
    ...(token === undefined ? {} : { Task: { Token: token } }),
  };
}
