/**
 * Any machine, killed after any of its saves and gone on with from there, comes to the same end; and its history and
 * its counts are always those of one life.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../../../local/services/step-functions/interpreter/json.ts';
import type { KeptExecution } from '../../../local/services/step-functions/interpreter/machine.ts';
import {
  executionArn,
  machineOf,
  RecordingStore,
  startMachine,
  type TestFunction,
  task,
} from '../../helpers/state-machine.ts';

type Step =
  | { readonly kind: 'pass' | 'choice' | 'caught' }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'retried'; readonly failures: number }
  | { readonly kind: 'held'; readonly endedBy: 'function' | 'holder' | 'timeout' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('pass' as const, 'choice' as const, 'caught' as const) }),
    fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(100) }),
    fc.record({ kind: fc.constant('retried' as const), failures: fc.nat(3) }),
    fc.record({
      kind: fc.constant('held' as const),
      endedBy: fc.constantFrom('function' as const, 'holder' as const, 'timeout' as const),
    }),
  ),
  { minLength: 1, maxLength: 6 },
);

/** Each state adds to the trail, by its output or by a variable. */
function stateOf(step: Step, index: number): object {
  const Next = `S${index + 1}`;
  const onwards = {
    Assign: { trail: `{% $append($trail, ['${step.kind}${index}']) %}` },
    Output: '{% $states.input + 1 %}',
  };
  const payload = {
    step: { ...step },
    retry: '{% $states.context.State.RetryCount %}',
    token: '{% $exists($states.context.Task) ? $states.context.Task.Token : null %}',
  };
  const Arguments = { FunctionName: 'f', Payload: payload };
  switch (step.kind) {
    case 'pass':
      return { Type: 'Pass', Next, ...onwards };
    case 'choice':
      return { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next, ...onwards }] };
    case 'wait':
      return { Type: 'Wait', Seconds: step.seconds, Next, ...onwards };
    case 'caught':
      return task('F', {
        Arguments,
        Catch: [{ ErrorEquals: ['Bad'], Next, ...onwards }],
        End: true,
      });
    case 'retried':
      return task('F', { Arguments, Retry: [{ ErrorEquals: ['Bad'] }], Next, ...onwards });
    case 'held':
      return task('F', {
        Arguments,
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        TimeoutSeconds: 60,
        Catch: [{ ErrorEquals: ['States.Timeout'], Next, ...onwards }],
        Next,
        ...onwards,
      });
  }
}

const definitionOf = (all: readonly Step[]) =>
  machineOf({
    Begin: { Type: 'Pass', Assign: { trail: [] }, Output: 0, Next: 'S0' },
    ...Object.fromEntries(all.map((step, index) => [`S${index}`, stateOf(step, index)])),
    [`S${all.length}`]: {
      Type: 'Succeed',
      Output: { count: '{% $states.input %}', trail: '{% $trail %}' },
    },
  });

/** One process: it begins, or goes on with what a store holds. `tokens` are those that anybody was ever given. */
async function live(definition: string, from: readonly KeptExecution[], tokens: Set<string>) {
  const store = new RecordingStore(from);
  const f: TestFunction = async (payload) => {
    const { step, retry, token } = payload as { step: Step; retry: number; token: string };
    if (step.kind === 'caught' || (step.kind === 'retried' && retry < step.failures))
      return { error: { errorType: 'Bad', errorMessage: '' } };
    if (step.kind === 'held' && step.endedBy === 'function') tell(token);
    if (step.kind === 'held' && step.endedBy === 'holder') tokens.add(token);
    return { payload: null };
  };
  const machine = startMachine(definition, { functions: { f }, store });
  const tell = (token: string): void => {
    try {
      machine.engine.sendTaskSuccess(token, '"told"');
    } catch {
      // Another process was told before.
    }
  };
  if (from.length === 0) machine.start(0);
  else machine.engine.resume();
  const done = machine.engine.finished(executionArn);
  let over = false;
  void done.finally(() => {
    over = true;
  });
  const holder = async (): Promise<void> => {
    while (!over) {
      for (const token of tokens) tell(token);
      await machine.clock.sleep(7_000);
    }
  };
  const { status, output } = await machine.clock.run(
    Promise.all([done, holder()]).then(([record]) => record),
  );
  const history = machine.engine.history(executionArn);
  return { status, output: JSON.parse(output ?? 'null') as Json, history, saves: store.saves };
}

function checkOneLife({ record, events }: KeptExecution): void {
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
  expect(record.events).toBe(events.length);
  const types = events.map(({ type }) => type);
  expect(types[0]).toBe('ExecutionStarted');
  expect(types.filter((type) => /^Execution(?!Started)/.test(type))).toEqual(
    record.status === 'RUNNING' ? [] : [types.at(-1)],
  );
  const borders = types.filter((type) => /State(Entered|Exited)$/.test(type));
  for (const [index, type] of borders.entries())
    expect(type.endsWith(index % 2 === 0 ? 'Entered' : 'Exited')).toBe(true);
  const entered = types.filter((type) => type.endsWith('StateEntered')).length;
  const attempts = types.filter((type) => type === 'TaskScheduled').length;
  const tasks = types.filter((type) => type === 'TaskStateEntered').length;
  if (record.status !== 'RUNNING') expect(record.transitions).toBe(entered + attempts - tasks);
}

it('a machine comes to the same end however often its process is killed', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.nat(), { maxLength: 3 }), async (all, kills) => {
      const definition = definitionOf(all);
      const tokens = new Set<string>();
      const whole = await live(definition, [], tokens);
      expect(whole).toMatchObject({
        status: 'SUCCEEDED',
        output: { count: all.length, trail: all.map(({ kind }, index) => `${kind}${index}`) },
      });
      let saves = whole.saves;
      for (const kill of kills) {
        const from = saves[kill % saves.length];
        if (from === undefined || from.record.status !== 'RUNNING') continue;
        const again = await live(definition, [from], tokens);
        expect(again).toMatchObject({ status: whole.status, output: whole.output });
        expect(again.history.slice(0, from.events.length)).toEqual(from.events);
        for (const kept of again.saves) checkOneLife(kept);
        saves = again.saves;
      }
      for (const kept of whole.saves) checkOneLife(kept);
    }),
    { numRuns: 60 },
  );
});
