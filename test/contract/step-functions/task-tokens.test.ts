import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/services/step-functions/interpreter/json.ts';
import { invoke, machineOf, startStepFunctions } from './fixture.ts';

const hold = machineOf({
  Hold: {
    Type: 'Task',
    Resource: `${invoke}.waitForTaskToken`,
    Arguments: {
      FunctionName: 'hold',
      Payload: { token: '{% $states.context.Task.Token %}', id: '{% $states.input.id %}' },
    },
    TimeoutSeconds: '{% $states.input.seconds %}',
    Output: '{% $states.result %}',
    Catch: [
      {
        ErrorEquals: ['States.Timeout'],
        Next: 'Late',
        Output: '{% $states.errorOutput %}',
      },
      { ErrorEquals: ['Refused'], Next: 'Late', Output: '{% $states.errorOutput.Cause %}' },
    ],
    End: true,
  },
  Late: { Type: 'Pass', End: true },
});

/** The machine above, and the tokens that its function was given. */
async function startHold() {
  const waiting: ((token: string) => void)[] = [];
  const tokens: string[] = [];
  const sfn = await startStepFunctions({
    machines: { hold },
    functions: {
      hold: (payload: Json) => {
        const { token } = payload as { token: string };
        const next = waiting.shift();
        if (next === undefined) tokens.push(token);
        else next(token);
        return { payload: null };
      },
    },
  });
  const nextToken = (): Promise<string> => {
    const token = tokens.shift();
    return token === undefined
      ? new Promise((resolve) => waiting.push(resolve))
      : Promise.resolve(token);
  };
  return { ...sfn, nextToken };
}

describe('a task that waits for its token', () => {
  it('goes on with the output of whoever holds the token', async () => {
    await using sfn = await startHold();
    const { executionArn } = await sfn.start({ id: 'sb1', seconds: 60 });
    const taskToken = await sfn.nextToken();
    await sfn.client.send(new SendTaskSuccessCommand({ taskToken, output: '{"ok":true}' }));
    expect(await sfn.ended(executionArn)).toMatchObject({ output: '{"ok":true}' });
    const types = (await sfn.history(executionArn)).map(({ type }) => type);
    expect(types.filter((type) => type !== 'TaskSubmitted')).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('fails with what whoever holds the token says, which Catch may name', async () => {
    await using sfn = await startHold();
    const { executionArn } = await sfn.start({ id: 'sb1', seconds: 60 });
    const taskToken = await sfn.nextToken();
    const failure = { taskToken, error: 'Refused', cause: 'no room' };
    await sfn.client.send(new SendTaskFailureCommand(failure));
    expect(await sfn.ended(executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      output: '"no room"',
    });
  });

  it('times out after the seconds that its input says', async () => {
    await using sfn = await startHold();
    const { executionArn } = await sfn.start({ id: 'sb1', seconds: 1 });
    const { output, startDate, stopDate } = await sfn.ended(executionArn);
    expect(JSON.parse(output ?? '')).toEqual({ Error: 'States.Timeout' });
    expect(Number(stopDate) - Number(startDate)).toBeGreaterThanOrEqual(1000);
  });

  it.each([0, 1.5, -1, '60'])('fails for a timeout of %j', async (seconds) => {
    await using sfn = await startHold();
    const { executionArn } = await sfn.start({ id: 'sb1', seconds });
    expect(await sfn.ended(executionArn)).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    });
    expect((await sfn.history(executionArn)).at(-2)).toMatchObject({
      type: 'EvaluationFailed',
      evaluationFailedEventDetails: { location: 'TimeoutSeconds', state: 'Hold' },
    });
    expect(sfn.calls).toEqual([]);
  });

  it('is ended once: later calls are told that it is over', async () => {
    await using sfn = await startHold();
    await sfn.start({ id: 'sb1', seconds: 60 });
    const taskToken = await sfn.nextToken();
    const end = () => sfn.client.send(new SendTaskSuccessCommand({ taskToken, output: '1' }));
    await end();
    await expect(end()).rejects.toMatchObject({ name: 'TaskTimedOut' });
    await expect(
      sfn.client.send(new SendTaskHeartbeatCommand({ taskToken })),
    ).rejects.toMatchObject({ name: 'TaskTimedOut' });
  });

  it('is over when its execution is stopped', async () => {
    await using sfn = await startHold();
    const { executionArn } = await sfn.start({ id: 'sb1', seconds: 60 });
    const taskToken = await sfn.nextToken();
    await sfn.client.send(new StopExecutionCommand({ executionArn }));
    await expect(
      sfn.client.send(new SendTaskSuccessCommand({ taskToken, output: '1' })),
    ).rejects.toMatchObject({ name: 'TaskTimedOut' });
  });

  it('takes JSON only, and no token but its own', async () => {
    await using sfn = await startHold();
    await sfn.start({ id: 'sb1', seconds: 60 });
    const taskToken = await sfn.nextToken();
    const send = (request: { taskToken: string; output: string }) =>
      sfn.client.send(new SendTaskSuccessCommand(request));
    await expect(send({ taskToken, output: '{' })).rejects.toMatchObject({ name: 'InvalidOutput' });
    await expect(
      send({ taskToken, output: JSON.stringify('x'.repeat(262_143)) }),
    ).rejects.toMatchObject({ name: 'InvalidOutput' });
    await expect(send({ taskToken: 'nonsense', output: '1' })).rejects.toMatchObject({
      name: 'InvalidToken',
    });
    const strange = Buffer.from('["arn:of:nobody","x"]').toString('base64');
    await expect(send({ taskToken: strange, output: '1' })).rejects.toMatchObject({
      name: 'TaskDoesNotExist',
    });
    await expect(send({ taskToken, output: '1' })).resolves.toBeDefined();
  });

  it('may be ended by its own function, while that runs', async () => {
    const told = Promise.withResolvers<void>();
    await using sfn = await startStepFunctions({
      machines: { hold },
      functions: {
        hold: async (payload: Json) => {
          const { token: taskToken } = payload as { token: string };
          await sfn.client.send(new SendTaskSuccessCommand({ taskToken, output: '"self"' }));
          await told.promise;
          return { payload: null };
        },
      },
    });
    const { executionArn } = await sfn.start({ id: 'sb1', seconds: 60 });
    expect(await sfn.ended(executionArn)).toMatchObject({ output: '"self"' });
    told.resolve();
  });

  it('fails with its function, whose error Catch and Retry may name', async () => {
    await using sfn = await startStepFunctions({
      machines: { hold },
      functions: {
        hold: () => ({ error: { errorType: 'Refused', errorMessage: 'no', trace: ['at'] } }),
      },
    });
    const { executionArn } = await sfn.start({ id: 'sb1', seconds: 60 });
    const { output } = await sfn.ended(executionArn);
    expect(JSON.parse(JSON.parse(output ?? '') as string)).toEqual({
      errorType: 'Refused',
      errorMessage: 'no',
      trace: ['at'],
    });
  });
});
