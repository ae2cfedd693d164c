import { describe, expect, it } from 'vitest';
import { machineOf, runMachine, startMachine, task } from '../../helpers/state-machine.ts';

const end = { End: true };
const failing = (errorType: string) => () => ({ error: { errorType, errorMessage: 'why' } });
const never = () => new Promise<never>(() => {});
const recover = { Recover: { Type: 'Pass', End: true } };

describe('Retry', () => {
  const retried = (...Retry: object[]) =>
    machineOf({
      A: task('A', { Retry, Catch: [{ ErrorEquals: ['E'], Next: 'Recover' }], ...end }),
      ...recover,
    });
  const times = (run: { calls: { atMs: number }[] }) => run.calls.map(({ atMs }) => atMs);

  it('waits longer each time, up to a bound, and then gives up', async () => {
    const definition = retried({
      ErrorEquals: ['E'],
      IntervalSeconds: 2,
      BackoffRate: 3,
      MaxAttempts: 4,
      MaxDelaySeconds: 20,
    });
    const run = await runMachine(definition, {}, { functions: { a: failing('E') } });
    expect(times(run)).toEqual([0, 2_000, 8_000, 26_000, 46_000]);
    expect(run).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'E' } });
  });

  it('has defaults of one second, doubled, three times', async () => {
    const definition = retried({ ErrorEquals: ['E'] });
    expect(times(await runMachine(definition, {}, { functions: { a: failing('E') } }))).toEqual([
      0, 1_000, 3_000, 7_000,
    ]);
  });

  it('may take a random part of the pause', async () => {
    const definition = retried({ ErrorEquals: ['E'], MaxAttempts: 1, JitterStrategy: 'FULL' });
    expect(times(await runMachine(definition, {}, { functions: { a: failing('E') } }))).toEqual([
      0, 500,
    ]);
  });

  it('counts each retrier by itself; the first that means the error decides', async () => {
    const errors = ['E', 'F', 'E', 'F', 'E'];
    const definition = retried(
      { ErrorEquals: ['E'], MaxAttempts: 2 },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxAttempts: 5, BackoffRate: 1 },
    );
    const functions = { a: () => failing(errors.shift() ?? 'none')() };
    const run = await runMachine(definition, {}, { functions });
    expect(times(run)).toEqual([0, 1_000, 11_000, 13_000, 23_000]);
    expect(run.output).toMatchObject({ Error: 'E' });
  });

  it('shows its count to the next attempt', async () => {
    const definition = machineOf({
      A: task('A', {
        Arguments: { FunctionName: 'a', Payload: '{% $states.context.State.RetryCount %}' },
        Retry: [{ ErrorEquals: ['E'], MaxAttempts: 2 }],
        ...end,
      }),
    });
    const run = await runMachine(definition, {}, { functions: { a: failing('E') } });
    expect(run.calls.map(({ payload }) => payload)).toEqual([0, 1, 2]);
    expect(run).toMatchObject({ status: 'FAILED', error: 'E' });
  });
});

describe('Catch', () => {
  const caught = (...ErrorEquals: string[]) =>
    machineOf({
      A: task('A', { Catch: [{ ErrorEquals, Next: 'Recover' }], TimeoutSeconds: 5, ...end }),
      ...recover,
    });

  it('takes what the error was, or assigns and shapes it', async () => {
    const definition = machineOf({
      A: task('A', {
        Catch: [
          {
            ErrorEquals: ['E'],
            Next: 'Recover',
            Assign: { error: '{% $states.errorOutput.Error %}' },
            Output: '{% $states.input %}',
          },
        ],
        ...end,
      }),
      Recover: {
        Type: 'Pass',
        Output: { error: '{% $error %}', input: '{% $states.input %}' },
        End: true,
      },
    });
    const run = await runMachine(definition, { n: 1 }, { functions: { a: failing('E') } });
    expect(run.output).toEqual({ error: 'E', input: { n: 1 } });
    expect(run.types()).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskFailed',
      'TaskStateExited',
      'PassStateEntered',
      'PassStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it.each([
    ['an error of the function by its type', 'E', ['E'], 'E'],
    ['any failure as States.TaskFailed', 'E', ['States.TaskFailed'], 'E'],
    ['anything as States.ALL', 'E', ['States.ALL'], 'E'],
    [
      'a call that Lambda refuses',
      undefined,
      ['Lambda.ResourceNotFoundException'],
      'Lambda.ResourceNotFoundException',
    ],
  ])('takes %s', async (_what, errorType, names, Error) => {
    const functions = errorType === undefined ? {} : { a: failing(errorType) };
    const run = await runMachine(caught(...names), {}, { functions });
    expect(run).toMatchObject({ status: 'SUCCEEDED', output: { Error } });
  });

  it.each([
    ['States.Timeout', 'SUCCEEDED'],
    ['States.ALL', 'SUCCEEDED'],
    ['States.TaskFailed', 'FAILED'],
    ['States.HeartbeatTimeout', 'FAILED'],
  ])('of %s makes a task that takes too long end as %s', async (name, status) => {
    const run = await runMachine(caught(name), {}, { functions: { a: never } });
    expect(run).toMatchObject({ status, afterMs: 5_000 });
    expect(run.types()).toContain('TaskTimedOut');
  });

  it('takes what no evaluation can give, and fails by its own', async () => {
    const broken = (field: object, catcher: object = {}) =>
      runMachine(
        machineOf({
          A: task('A', {
            ...field,
            Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Recover', ...catcher }],
            ...end,
          }),
          ...recover,
        }),
        {},
        { functions: { a: () => ({ payload: null }) } },
      );
    const nothing = '{% $states.nothing %}';
    const error = 'States.QueryEvaluationError';
    expect(await broken({ Output: nothing })).toMatchObject({ output: { Error: error } });
    expect(await broken({ HeartbeatSeconds: '{% 0 %}' })).toMatchObject({
      output: { Error: error },
    });
    const twice = await broken({ Output: nothing }, { Output: nothing });
    expect(twice).toMatchObject({ status: 'FAILED', error });
    expect(twice.types().filter((type) => type === 'EvaluationFailed')).toHaveLength(2);
  });
});

describe('an execution', () => {
  it('times out as a whole', async () => {
    const definition = machineOf(
      { A: { Type: 'Wait', Seconds: 60, End: true } },
      { TimeoutSeconds: 30 },
    );
    const run = await runMachine(definition);
    expect(run).toMatchObject({ status: 'TIMED_OUT', afterMs: 30_000 });
    expect(run.types().at(-1)).toBe('ExecutionTimedOut');
  });

  it('fails when its history is full, and keeps room to say so', async () => {
    const loop = machineOf({
      A: { Type: 'Wait', Seconds: 1, Next: 'B' },
      B: { Type: 'Pass', Next: 'A' },
    });
    const run = await runMachine(loop, {}, { maximumEvents: 50 });
    expect(run).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (50).',
    });
    expect(run.types()).toHaveLength(50);
    expect(run.types().at(-1)).toBe('ExecutionFailed');
  });

  it.each([
    ['a result', task('A', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Recover' }], ...end })],
    ['an output', { Type: 'Pass', Output: "{% $pad('x', 262143) %}", End: true }],
    ['a variable', { Type: 'Pass', Assign: { x: "{% $pad('x', 262143) %}" }, End: true }],
  ])('fails for %s of more than 262,144 bytes, which no wildcard catches', async (_what, state) => {
    const functions = { a: () => ({ payload: 'x'.repeat(262_144) }) };
    const run = await runMachine(machineOf({ A: state, ...recover }), {}, { functions });
    expect(run).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  it('of a closed engine stays where it is, with no timer left', async () => {
    const machine = startMachine(machineOf({ A: { Type: 'Wait', Seconds: 60, End: true } }));
    machine.start();
    await machine.engine.close();
    expect(machine.engine.executions()).toMatchObject([
      { status: 'RUNNING', visit: { state: 'A' } },
    ]);
    await expect(machine.clock.run(new Promise(() => {}))).rejects.toThrow('deadlock');
    expect(() => machine.start()).toThrow('closed');
  });

  it('is forgotten, with its name, when many others have ended since', async () => {
    const machine = startMachine(machineOf({ A: { Type: 'Pass', End: true } }), { endedKept: 2 });
    for (const name of ['a', 'b', 'c']) {
      const { executionArn, stateMachineArn } = machine.engine.start({
        stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:life',
        name,
      });
      await machine.clock.run(machine.engine.finished(executionArn));
      expect(machine.engine.executions(stateMachineArn)[0]?.name).toBe(name);
    }
    expect(machine.engine.executions().map(({ name }) => name)).toEqual(['c', 'b']);
  });
});
