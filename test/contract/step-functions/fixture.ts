/** The Step Functions stand-in over functions of the test, called by the real SDK. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { InvokeOutcome } from '../../../local/services/lambda/types.ts';
import type { Json } from '../../../local/services/step-functions/interpreter/json.ts';
import { StepFunctionsService } from '../../../local/services/step-functions/step-functions-service.ts';
import { credentials, region, startAwsServer } from '../../helpers/aws-server.ts';

export type Functions = Readonly<
  Record<string, (payload: Json) => Promise<InvokeOutcome> | InvokeOutcome>
>;

export const invoke = 'arn:aws:states:::lambda:invoke';

/** A machine of these states in JSONata; the first one starts. */
export const machineOf = (States: Record<string, object>, more: object = {}) =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(States)[0], States, ...more });

export async function startStepFunctions(
  options: { functions?: Functions; machines?: Record<string, string>; directory?: string } = {},
) {
  const { functions = {}, machines = {}, directory } = options;
  const errors: unknown[] = [];
  const calls: { name: string; payload: Json }[] = [];
  const service = new StepFunctionsService({
    accountId: '000000000000',
    region,
    directory,
    invoker: {
      async invoke(name, payload) {
        calls.push({ name, payload: payload as Json });
        const handler = functions[name];
        if (handler !== undefined) return handler(payload as Json);
        const message = `Function not found: ${name}`;
        throw Object.assign(new Error(message), { code: 'ResourceNotFoundException' });
      },
    },
    onError: (error) => errors.push(error),
  });
  const arns = Object.entries(machines).map(([name, definition]) =>
    service.createStateMachine({ name, roleArn: `arn:of:role-of-${name}`, definition }),
  );
  service.resume();
  const server = await startAwsServer(service);
  const client = new SFNClient({ region, endpoint: server.endpoint, credentials, maxAttempts: 1 });
  const arn = arns[0] ?? '';
  const describe = (executionArn: string | undefined) =>
    client.send(new DescribeExecutionCommand({ executionArn }));
  return {
    service,
    client,
    arn,
    calls,
    errors,
    describe,
    start: (input: Json = {}, name?: string) =>
      client.send(
        new StartExecutionCommand({ stateMachineArn: arn, input: JSON.stringify(input), name }),
      ),
    /** Polls as clients of the API do; executions of tests take milliseconds. */
    async ended(executionArn: string | undefined) {
      for (;;) {
        const execution = await describe(executionArn);
        if (execution.status !== 'RUNNING') return execution;
        await new Promise((next) => setTimeout(next, 2));
      }
    },
    history: async (executionArn: string | undefined) =>
      (await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 })))
        .events ?? [],
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.close();
    },
  };
}
