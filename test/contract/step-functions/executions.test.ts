import {
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { invoke, machineOf, startStepFunctions } from './fixture.ts';

const greet = machineOf({
  Greet: {
    Type: 'Task',
    Resource: invoke,
    Arguments: { FunctionName: 'greet', Payload: '{% $states.input %}' },
    Output: "{% $states.result.Payload.text & '!' %}",
    End: true,
  },
});
const patient = machineOf({ Wait: { Type: 'Wait', Seconds: 3600, End: true } });

describe('StartExecution', () => {
  it('runs the machine to its end', async () => {
    await using sfn = await startStepFunctions({
      machines: { greet },
      functions: {
        greet: (payload) => ({ payload: { text: `Hello ${JSON.stringify(payload)}` } }),
      },
    });
    const { executionArn, startDate } = await sfn.start({ name: 'Ann' }, 'first');
    expect(executionArn).toBe('arn:aws:states:us-east-1:000000000000:execution:greet:first');
    expect(await sfn.ended(executionArn)).toMatchObject({
      name: 'first',
      stateMachineArn: sfn.arn,
      status: 'SUCCEEDED',
      startDate,
      stopDate: expect.any(Date),
      input: '{"name":"Ann"}',
      output: '"Hello {\\"name\\":\\"Ann\\"}!"',
    });
  });

  it('with the same name and input answers the same execution while it runs', async () => {
    await using sfn = await startStepFunctions({ machines: { patient } });
    const first = await sfn.start({ a: 1 }, 'same');
    expect(await sfn.start({ a: 1 }, 'same')).toMatchObject({
      executionArn: first.executionArn,
      startDate: first.startDate,
    });
    await expect(sfn.start({ a: 2 }, 'same')).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });
    await sfn.client.send(new StopExecutionCommand({ executionArn: first.executionArn }));
    await expect(sfn.start({ a: 1 }, 'same')).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });
  });

  it.each([
    ['InvalidName', { name: 'a b' }],
    ['ValidationException', { name: 'x'.repeat(81) }],
    ['InvalidExecutionInput', { input: '{' }],
    ['ValidationException', { input: JSON.stringify('é'.repeat(131_073)) }],
    ['StateMachineDoesNotExist', { stateMachineArn: 'arn:aws:states:us-east-1:0:stateMachine:x' }],
  ])('is refused as %s for %.60j', async (name, request) => {
    await using sfn = await startStepFunctions({ machines: { patient } });
    const command = new StartExecutionCommand({ stateMachineArn: sfn.arn, ...request });
    await expect(sfn.client.send(command)).rejects.toMatchObject({ name });
  });
});

describe('an execution', () => {
  it('that is stopped is aborted at once, with what the caller said', async () => {
    await using sfn = await startStepFunctions({ machines: { patient } });
    const { executionArn } = await sfn.start();
    const stop = new StopExecutionCommand({ executionArn, error: 'Enough', cause: 'of it' });
    const { stopDate } = await sfn.client.send(stop);
    expect(await sfn.describe(executionArn)).toMatchObject({
      status: 'ABORTED',
      error: 'Enough',
      cause: 'of it',
      stopDate,
    });
    expect((await sfn.history(executionArn)).at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      executionAbortedEventDetails: { error: 'Enough', cause: 'of it' },
    });
    // Twice changes nothing.
    expect(await sfn.client.send(new StopExecutionCommand({ executionArn }))).toMatchObject({
      stopDate,
    });
  });

  it('tells its history as AWS numbers and names it', async () => {
    await using sfn = await startStepFunctions({
      machines: { greet },
      functions: { greet: () => ({ payload: { text: 'Hi' } }) },
    });
    const { executionArn } = await sfn.start({ name: 'Ann' });
    await sfn.ended(executionArn);
    const events = await sfn.history(executionArn);
    expect(events.map(({ id, previousEventId, type }) => [id, previousEventId, type])).toEqual([
      [1, 0, 'ExecutionStarted'],
      [2, 0, 'TaskStateEntered'],
      [3, 2, 'TaskScheduled'],
      [4, 3, 'TaskStarted'],
      [5, 4, 'TaskSucceeded'],
      [6, 5, 'TaskStateExited'],
      [7, 6, 'ExecutionSucceeded'],
    ]);
    expect(events[0]?.executionStartedEventDetails).toMatchObject({
      roleArn: 'arn:of:role-of-greet',
      input: '{"name":"Ann"}',
    });
    expect(events[2]?.taskScheduledEventDetails).toMatchObject({
      resourceType: 'lambda',
      resource: 'invoke',
      region: 'us-east-1',
      parameters: '{"FunctionName":"greet","Payload":{"name":"Ann"}}',
    });
    expect(JSON.parse(events[4]?.taskSucceededEventDetails?.output ?? '')).toEqual({
      ExecutedVersion: '$LATEST',
      Payload: { text: 'Hi' },
      StatusCode: 200,
    });
    expect(events[5]?.stateExitedEventDetails).toMatchObject({ name: 'Greet', output: '"Hi!"' });
  });

  it('tells its history in pages, backwards, and without data', async () => {
    await using sfn = await startStepFunctions({
      machines: { greet },
      functions: { greet: () => ({ payload: { text: 'Hi' } }) },
    });
    const { executionArn } = await sfn.start();
    await sfn.ended(executionArn);
    const request = { executionArn, reverseOrder: true, maxResults: 4 };
    const first = await sfn.client.send(new GetExecutionHistoryCommand(request));
    const { nextToken } = first;
    const second = await sfn.client.send(
      new GetExecutionHistoryCommand({ ...request, nextToken, includeExecutionData: false }),
    );
    expect([first, second].map(({ events }) => events?.map(({ id }) => id))).toEqual([
      [7, 6, 5, 4],
      [3, 2, 1],
    ]);
    expect(second.nextToken).toBeUndefined();
    expect(second.events?.[1]?.stateEnteredEventDetails).toEqual({
      name: 'Greet',
      inputDetails: { truncated: false },
    });
  });

  it('is listed newest first, by status and in pages', async () => {
    await using sfn = await startStepFunctions({ machines: { patient } });
    for (const name of ['a', 'b', 'c']) await sfn.start({}, name);
    const { executionArn } = await sfn.start({}, 'stopped');
    await sfn.client.send(new StopExecutionCommand({ executionArn }));
    const list = async (more: object) => {
      const command = new ListExecutionsCommand({ stateMachineArn: sfn.arn, ...more });
      const { executions, nextToken } = await sfn.client.send(command);
      return { names: executions?.map(({ name }) => name), nextToken };
    };
    expect(await list({})).toMatchObject({ names: ['stopped', 'c', 'b', 'a'] });
    expect(await list({ statusFilter: 'ABORTED' })).toMatchObject({ names: ['stopped'] });
    const { names, nextToken } = await list({ statusFilter: 'RUNNING', maxResults: 2 });
    expect(names).toEqual(['c', 'b']);
    expect(await list({ statusFilter: 'RUNNING', maxResults: 2, nextToken })).toMatchObject({
      names: ['a'],
      nextToken: undefined,
    });
  });

  it('that does not exist is told so', async () => {
    await using sfn = await startStepFunctions({ machines: { patient } });
    await expect(sfn.describe(`${sfn.arn}:none`)).rejects.toMatchObject({
      name: 'ExecutionDoesNotExist',
    });
  });
});

describe('a state machine', () => {
  it('is described with its definition and the role that it acts under', async () => {
    await using sfn = await startStepFunctions({ machines: { patient } });
    const command = new DescribeStateMachineCommand({ stateMachineArn: sfn.arn });
    expect(await sfn.client.send(command)).toMatchObject({
      name: 'patient',
      definition: patient,
      roleArn: 'arn:of:role-of-patient',
      type: 'STANDARD',
      status: 'ACTIVE',
    });
  });

  it('counts the states that it enters', async () => {
    await using sfn = await startStepFunctions({
      machines: { greet },
      functions: { greet: () => ({ payload: { text: 'Hi' } }) },
    });
    await sfn.ended((await sfn.start({}, 'one')).executionArn);
    await sfn.ended((await sfn.start({}, 'two')).executionArn);
    expect(sfn.service.transitions.list()).toEqual([
      { stateMachine: 'greet', state: 'Greet', count: 2 },
    ]);
    expect(sfn.service.executions()[0]).toEqual({
      stateMachine: 'greet',
      name: 'two',
      status: 'SUCCEEDED',
      state: undefined,
      transitions: 1,
      events: 7,
    });
  });
});
