import { appendFile, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecutionJournal } from '../../../local/services/step-functions/execution-journal.ts';
import {
  executionArn,
  machineOf,
  startMachine,
  type TestFunction,
  task,
} from '../../helpers/state-machine.ts';

const hold = machineOf({
  Hold: task('Hold', {
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName: 'hold', Payload: '{% $states.context.Task.Token %}' },
    TimeoutSeconds: 60,
    Output: '{% $states.result %}',
    Catch: [{ ErrorEquals: ['States.Timeout'], Output: 'late', Next: 'Late' }],
    End: true,
  }),
  Late: { Type: 'Pass', End: true },
});

let root: string;
let directory: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'executions-'));
  directory = join(root, 'first');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A process over a folder; its function answers at once unless it is given another. */
function open(folder: string, answer: TestFunction = () => ({ payload: null })) {
  const errors: unknown[] = [];
  const store = new ExecutionJournal({ directory: folder, onError: (error) => errors.push(error) });
  const machine = startMachine(hold, { store, functions: { hold: answer } });
  return {
    ...machine,
    errors,
    pass: (ms: number) => machine.clock.run(machine.clock.sleep(ms)),
    token: () => machine.calls[0]?.payload as string,
  };
}

/** What a process that is killed now would leave. */
async function killed(): Promise<string> {
  const copy = join(root, 'left');
  await cp(directory, copy, { recursive: true });
  return copy;
}

describe('an execution in a folder', () => {
  it('waits on for its token until the deadline that it had, and calls its function once', async () => {
    const first = open(directory);
    first.start();
    await first.pass(20_000);
    await first.engine.close();

    const second = open(directory);
    second.engine.resume();
    expect(await second.ended()).toMatchObject({ output: 'late', afterMs: 60_000 });
    expect(second.calls).toEqual([]);
  });

  it('takes its token in the next process', async () => {
    const first = open(directory);
    first.start();
    await first.pass(1);
    await first.engine.close();

    const second = open(directory);
    second.engine.resume();
    second.engine.sendTaskSuccess(first.token(), '7');
    expect(await second.ended()).toMatchObject({ output: 7 });
    expect(second.types()).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('that was inside a call makes it again, with the same token', async () => {
    const first = open(directory, () => new Promise<never>(() => {}));
    first.start();
    await first.pass(1);
    const second = open(await killed());
    second.engine.resume();
    await second.pass(1);
    expect(second.calls.map(({ payload }) => payload)).toEqual([first.token()]);
    await Promise.all([first.engine.close(), second.engine.close()]);
  });

  it('keeps what its token was told before that is answered, also while all is closing', async () => {
    const first = open(directory);
    first.start();
    await first.pass(1);
    first.engine.sendTaskSuccess(first.token(), '1');
    const second = open(await killed());
    second.engine.resume();
    expect(await second.ended()).toMatchObject({ output: 1 });

    const third = open(join(root, 'other'));
    third.start();
    await third.pass(1);
    await third.engine.close();
    third.engine.sendTaskSuccess(third.token(), '3');
    const fourth = open(join(root, 'other'));
    fourth.engine.resume();
    expect(await fourth.ended()).toMatchObject({ output: 3 });
  });

  it('that has ended is remembered by its name', async () => {
    const first = open(directory);
    first.start();
    first.engine.stop(executionArn, { cause: 'enough' });
    const second = open(directory);
    second.engine.resume();
    expect(second.engine.execution(executionArn)).toMatchObject({
      status: 'ABORTED',
      cause: 'enough',
    });
    expect(() => second.start()).toThrow('Execution Already Exists');
  });

  it('is whole after a kill in the middle of writing, and no other is held up by a broken one', async () => {
    const first = open(directory);
    first.start();
    await first.pass(1);
    const [file = ''] = await readdir(directory);
    await appendFile(join(directory, file), '{"record":{"executionArn"');
    await writeFile(join(directory, 'half.ndjson.new'), '{');
    await writeFile(join(directory, 'empty.ndjson'), '');
    await writeFile(join(directory, 'broken.ndjson'), '{\n');

    const second = open(await killed());
    second.engine.resume();
    second.engine.sendTaskSuccess(first.token(), '"whole"');
    expect(await second.ended()).toMatchObject({ output: 'whole' });
    expect(second.engine.history(executionArn).map(({ id }) => id)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(second.errors).toHaveLength(2);
  });

  it('takes little room, however long it lives', async () => {
    const store = new ExecutionJournal({
      directory,
      onError: (error) => expect.fail(String(error)),
    });
    const loop = machineOf({
      Begin: { Type: 'Pass', Assign: { large: "{% $pad('x', 20000) %}" }, Next: 'A' },
      A: { Type: 'Wait', Seconds: 1, Next: 'A' },
    });
    const machine = startMachine(loop, { store, maximumEvents: 2_000 });
    machine.start();
    await machine.ended();
    const [file = ''] = await readdir(directory);
    // Each of a thousand saves holds the variable.
    expect((await stat(join(directory, file))).size).toBeLessThan(1_000_000);

    const again = startMachine(loop, {
      store: new ExecutionJournal({ directory, onError: () => {} }),
    });
    again.engine.resume();
    expect(again.engine.history(executionArn)).toEqual(machine.engine.history(executionArn));
  });

  it('is read by nobody else: it holds tokens', async () => {
    const inner = join(root, 'other');
    const machine = open(inner);
    machine.start();
    await machine.pass(1);
    const modes = await Promise.all(
      [inner, ...(await readdir(inner)).map((name) => join(inner, name))].map(
        async (path) => (await stat(path)).mode & 0o077,
      ),
    );
    expect(modes).toEqual([0, 0]);
    await machine.engine.close();
  });
});
