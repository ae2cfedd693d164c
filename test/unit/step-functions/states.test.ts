import { describe, expect, it } from 'vitest';
import { machineOf, runMachine, task } from '../../helpers/state-machine.ts';

const end = { End: true };

describe('Pass', () => {
  it('hands its input on, or what Output says', async () => {
    const definition = machineOf({
      A: { Type: 'Pass', Next: 'B' },
      B: { Type: 'Pass', Output: { twice: '{% $states.input.n * 2 %}', text: '$n' }, ...end },
    });
    expect(await runMachine(definition, { n: 4 })).toMatchObject({
      status: 'SUCCEEDED',
      output: { twice: 8, text: '$n' },
    });
  });

  it('assigns variables that later states see, and Output does not see before them', async () => {
    const definition = machineOf({
      A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
      B: { Type: 'Pass', Assign: { x: '{% $x + 1 %}' }, Output: '{% $x %}', Next: 'C' },
      C: { Type: 'Pass', Output: { was: '{% $states.input %}', is: '{% $x %}' }, ...end },
    });
    const { output, engine } = await runMachine(definition);
    expect(output).toEqual({ was: 1, is: 2 });
    const events = engine.history(engine.executions()[0]?.executionArn ?? '');
    expect(events[2]).toMatchObject({
      type: 'PassStateExited',
      stateExitedEventDetails: { name: 'A', assignedVariables: { x: '1' } },
    });
  });

  it('tells of itself in the context object', async () => {
    const definition = machineOf({
      A: { Type: 'Pass', Output: '{% $states.context %}', ...end },
    });
    const startedAt = '2023-11-14T22:13:20.000Z';
    expect((await runMachine(definition, { a: 1 })).output).toEqual({
      Execution: {
        Id: 'arn:aws:states:us-east-1:000000000000:execution:life:one',
        Name: 'one',
        Input: { a: 1 },
        RoleArn: 'arn:of:role',
        StartTime: startedAt,
        RedriveCount: 0,
      },
      State: { Name: 'A', EnteredTime: startedAt, RetryCount: 0 },
      StateMachine: {
        Id: 'arn:aws:states:us-east-1:000000000000:stateMachine:life',
        Name: 'life',
      },
    });
  });
});

describe('Choice', () => {
  const definition = machineOf({
    Ask: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n = 11 %}', Next: 'Big', Output: 'was big' },
        { Condition: "{% $states.input.n = 'x' %}", Next: 'Big', Assign: { how: 'letter' } },
      ],
      Default: 'Small',
      Output: 'was small',
      Assign: { how: 'default' },
    },
    Big: { Type: 'Pass', End: true },
    Small: { Type: 'Pass', Output: "{% $states.input & ' by ' & $how %}", End: true },
  });

  it('takes the first rule that holds, with its own Output', async () => {
    expect((await runMachine(definition, { n: 11 })).output).toBe('was big');
    expect((await runMachine(definition, { n: 'x' })).output).toEqual({ n: 'x' });
  });

  it('takes the default otherwise, with the Output of the state', async () => {
    expect((await runMachine(definition, { n: 1 })).output).toBe('was small by default');
  });

  it('fails where nothing matches, or a condition is no truth', async () => {
    const rule = (Condition: string) => ({
      Ask: { Type: 'Choice', Choices: [{ Condition, Next: 'A' }] },
      A: { Type: 'Pass', End: true },
    });
    expect(await runMachine(machineOf(rule('{% false %}')))).toMatchObject({
      status: 'FAILED',
      error: 'States.NoChoiceMatched',
    });
    const wrong = await runMachine(machineOf(rule('{% 1 %}')));
    expect(wrong).toMatchObject({ error: 'States.QueryEvaluationError' });
    expect(wrong.types()).toEqual([
      'ExecutionStarted',
      'ChoiceStateEntered',
      'EvaluationFailed',
      'ExecutionFailed',
    ]);
  });
});

describe('Wait', () => {
  it.each([
    [{ Seconds: 90 }, 90_000],
    [{ Seconds: '{% $states.input.seconds %}' }, 7_000],
    [{ Seconds: 0 }, 0],
    // 40 days: longer than one timer of Node can be.
    [{ Seconds: 3_456_000 }, 3_456_000_000],
    [{ Timestamp: '2023-11-14T22:14:20Z' }, 60_000],
    [
      {
        Timestamp: "{% $fromMillis($millis() + 5000, '[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z') %}",
      },
      5_000,
    ],
    [{ Timestamp: '2000-01-01T00:00:00Z' }, 0],
  ])('%j passes that time', async (fields, afterMs) => {
    const definition = machineOf({ A: { Type: 'Wait', ...fields, End: true } });
    expect(await runMachine(definition, { seconds: 7 })).toMatchObject({
      status: 'SUCCEEDED',
      output: { seconds: 7 },
      afterMs,
    });
  });

  it.each([
    { Seconds: '{% 1.5 %}' },
    { Seconds: '{% -1 %}' },
    { Timestamp: '{% 12 %}' },
    { Timestamp: 'tomorrow' },
    { Timestamp: '2030' },
  ])('%j fails', async (fields) => {
    const definition = machineOf({ A: { Type: 'Wait', ...fields, End: true } });
    expect(await runMachine(definition)).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    });
  });
});

describe('Succeed and Fail', () => {
  it('end an execution', async () => {
    const done = machineOf({ A: { Type: 'Succeed', Output: '{% $states.input.n %}' } });
    expect(await runMachine(done, { n: 5 })).toMatchObject({ status: 'SUCCEEDED', output: 5 });
    const failed = machineOf({
      A: { Type: 'Fail', Error: 'Bad', Cause: "{% 'because of ' & $states.input.n %}" },
    });
    const run = await runMachine(failed, { n: 5 });
    expect(run).toMatchObject({ status: 'FAILED', error: 'Bad', cause: 'because of 5' });
    expect(run.types()).toEqual(['ExecutionStarted', 'FailStateEntered', 'ExecutionFailed']);
  });
});

describe('Task', () => {
  it('calls a function with its arguments and answers what Lambda answers', async () => {
    const definition = machineOf({
      A: task('Double', {
        Arguments: { FunctionName: 'double', Payload: { n: '{% 2 %}' } },
        ...end,
      }),
    });
    const { calls, output } = await runMachine(
      definition,
      { a: 1 },
      {
        functions: { double: (payload) => ({ payload: { was: payload } }) },
      },
    );
    expect(calls).toMatchObject([{ name: 'double', payload: { n: 2 } }]);
    expect(output).toEqual({
      ExecutedVersion: '$LATEST',
      Payload: { was: { n: 2 } },
      StatusCode: 200,
    });
  });

  it('calls under the role of its machine', async () => {
    const roles: string[] = [];
    const functions = {
      a: (_payload: unknown, { roleArn }: { roleArn: string }) => {
        roles.push(roleArn);
        return { payload: null };
      },
    };
    await runMachine(machineOf({ A: task('A', end) }), {}, { functions });
    expect(roles).toEqual(['arn:of:role']);
  });

  it('counts as one transition, and each retry as one more', async () => {
    let left = 2;
    const { engine } = await runMachine(
      machineOf({ A: task('A', { Retry: [{ ErrorEquals: ['States.ALL'] }], ...end }) }),
      {},
      {
        functions: {
          a: () =>
            left-- > 0 ? { error: { errorType: 'E', errorMessage: 'm' } } : { payload: null },
        },
      },
    );
    expect(engine.transitions.list()).toEqual([{ stateMachine: 'life', state: 'A', count: 3 }]);
    expect(engine.executions()[0]?.transitions).toBe(3);
  });
});
