/** What AWS does under a role of the deployment without a function's code: a machine invokes, Lambda gives an event up. */
import type { AccessControl } from '../services/iam/access-control.ts';
import { LambdaError } from '../services/lambda/errors.ts';

/** A machine acts under its own role; throws what Lambda answers one that may not invoke. */
export function checkMachine(
  access: AccessControl,
  { roleArn, functionName }: { roleArn: string; functionName: string },
): void {
  const right = { action: 'lambda:InvokeFunction', resource: functionName };
  const denial = access.checkActor({ roleArn, session: 'state-machine' }, [right]);
  if (denial !== undefined) throw new LambdaError('AccessDeniedException', denial.message);
}

/** Lambda sends an event that it gave up under the function's role; without the right the event is lost. */
export function maySend(access: AccessControl, functionArn: string, queueArn: string): boolean {
  const functionName = functionArn.split(':').at(6) ?? '';
  const right = { action: 'sqs:SendMessage', resource: queueArn };
  return access.check(functionName, [right]) === undefined;
}
