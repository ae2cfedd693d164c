import { describe, expect, it } from 'vitest';
import { executionArn, machineOf, startMachine, task } from '../../helpers/state-machine.ts';

const end = { End: true };
const recover = { Recover: { Type: 'Pass', End: true } };

describe('a task that waits for its token', () => {
  const held = (more: object) =>
    machineOf({
      A: task('A', {
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName: 'a', Payload: '{% $states.context.Task.Token %}' },
        Output: '{% $states.result %}',
        ...more,
        ...end,
      }),
      ...recover,
    });

  it('lives as long as it is heard of, and no longer', async () => {
    const definition = held({
      HeartbeatSeconds: 10,
      TimeoutSeconds: 1000,
      Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Recover' }],
    });
    const machine = startMachine(definition, { functions: { a: () => ({ payload: null }) } });
    machine.start();
    const beats = (async () => {
      for (let beat = 0; beat < 3; beat += 1) {
        await machine.clock.sleep(9_000);
        machine.engine.sendTaskHeartbeat(machine.calls[0]?.payload as string);
      }
    })();
    await machine.clock.run(beats);
    expect(await machine.ended()).toMatchObject({
      status: 'SUCCEEDED',
      output: { Error: 'States.Timeout' },
      afterMs: 37_000,
    });
  });

  it('is told apart from the attempt before: an old token is over', async () => {
    const tokens: string[] = [];
    const machine = startMachine(
      held({ Retry: [{ ErrorEquals: ['E'], MaxAttempts: 1 }], TimeoutSeconds: 60 }),
      {
        functions: {
          a: (token) => {
            tokens.push(token as string);
            return tokens.length === 1
              ? { error: { errorType: 'E', errorMessage: 'why' } }
              : { payload: null };
          },
        },
      },
    );
    machine.start();
    await machine.clock.run(
      (async () => {
        while (tokens.length < 2) await machine.clock.sleep(100);
      })(),
    );
    const [first = '', second = ''] = tokens;
    expect(() => machine.engine.sendTaskSuccess(first, '1')).toThrow('does not exist anymore');
    machine.engine.sendTaskSuccess(second, '2');
    expect(await machine.ended()).toMatchObject({ output: 2 });
  });

  it('ends with its token, whatever its function does afterwards', async () => {
    const answer = Promise.withResolvers<{ payload: null }>();
    const machine = startMachine(held({}), {
      functions: {
        a: (token) => {
          machine.engine.sendTaskFailure(token as string, { error: 'Off' });
          return answer.promise;
        },
      },
    });
    machine.start();
    expect(await machine.ended()).toMatchObject({ status: 'FAILED', error: 'Off' });
    const types = machine.types();
    answer.resolve({ payload: null });
    await machine.clock.run(machine.engine.close());
    expect(machine.types()).toEqual(types);
  });
});

describe('an execution that is stopped', () => {
  it('before its function is called, calls none', async () => {
    const machine = startMachine(machineOf({ A: task('A', end) }));
    machine.start();
    machine.engine.stop(executionArn);
    expect(await machine.ended()).toMatchObject({ status: 'ABORTED' });
    expect(machine.calls).toEqual([]);
    expect(machine.types()).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionAborted']);
  });

  it('in the moment in which its token is told, stays stopped', async () => {
    const machine = startMachine(
      machineOf({
        A: task('A', {
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Arguments: { FunctionName: 'a', Payload: '{% $states.context.Task.Token %}' },
          ...end,
        }),
      }),
      { functions: { a: () => ({ payload: null }) } },
    );
    machine.start();
    await machine.clock.run(machine.clock.sleep(1));
    machine.engine.sendTaskSuccess(machine.calls[0]?.payload as string, '1');
    machine.engine.stop(executionArn);
    expect(await machine.ended()).toMatchObject({ status: 'ABORTED' });
    expect(machine.types().slice(-2)).toEqual(['TaskSubmitted', 'ExecutionAborted']);
  });
});
