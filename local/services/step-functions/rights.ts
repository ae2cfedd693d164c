/** What a request to Step Functions asks for. Whoever tells of a task does so to the machine that the token is of. */
import type { Right } from '../iam/decision.ts';
import { parseObject, textOf } from '../shared/json-object.ts';
import { executionOf } from './interpreter/tokens.ts';

export function stepFunctionsRights(operation: string, body: Buffer | undefined): Right[] {
  const { stateMachineArn, executionArn, taskToken } = parseObject(body);
  const resource =
    textOf(stateMachineArn) ?? textOf(executionArn) ?? machineOf(textOf(taskToken)) ?? '*';
  return [{ action: `states:${operation}`, resource }];
}

function machineOf(token: string | undefined): string | undefined {
  const executionArn = token === undefined ? undefined : executionOf(token);
  const parts = executionArn?.split(':');
  return parts?.with(5, 'stateMachine').slice(0, -1).join(':');
}
