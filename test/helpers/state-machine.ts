/** Runs a state machine in the interpreter alone: virtual time, functions of the test, a store that forgets nothing. */
import type { InvokeOutcome } from '../../local/services/lambda/types.ts';
import {
  MachineEngine,
  type MachineEngineOptions,
} from '../../local/services/step-functions/interpreter/engine.ts';
import type { Json } from '../../local/services/step-functions/interpreter/json.ts';
import type {
  ExecutionStore,
  KeptExecution,
  TaskCall,
} from '../../local/services/step-functions/interpreter/machine.ts';
import { VirtualClock } from './virtual-clock.ts';

export const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:life';
export const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:life:one';

/** A machine of these states in JSONata; the first one starts. */
export const machineOf = (States: Readonly<Record<string, object>>, more: object = {}) =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(States)[0], States, ...more });

/** A task of the function that is called like it, in lower case. */
export const task = (name: string, more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: name.toLowerCase(), Payload: '{% $states.input %}' },
  ...more,
});

export type TestFunction = (
  payload: Json,
  call: TaskCall,
) => InvokeOutcome | Promise<InvokeOutcome>;

/** What a process that was killed after any of its saves would have left. */
export class RecordingStore implements ExecutionStore {
  readonly saves: KeptExecution[] = [];
  readonly #start: readonly KeptExecution[];

  constructor(start: readonly KeptExecution[] = []) {
    this.#start = start;
  }

  load = () => structuredClone(this.#start);
  keep = (record: KeptExecution['record'], events: KeptExecution['events']) => {
    this.saves.push(structuredClone({ record, events }));
  };
  forget = () => {};
}

export interface TestMachineOptions extends Partial<MachineEngineOptions> {
  readonly functions?: Readonly<Record<string, TestFunction>>;
}

export function startMachine(definition: string, options: TestMachineOptions = {}) {
  const { functions = {}, ...given } = options;
  const clock = new VirtualClock();
  const calls: { name: string; payload: Json; atMs: number }[] = [];
  const startedAtMs = clock.nowMs();
  const engine = new MachineEngine({
    clock,
    random: () => 0.5,
    onError: (error) => {
      throw error;
    },
    invoke: async (call) => {
      const { functionName: name, payload } = call;
      calls.push({ name, payload, atMs: clock.nowMs() - startedAtMs });
      const handler = functions[name];
      if (handler !== undefined) return handler(payload, call);
      throw Object.assign(new Error(`no ${name}`), { code: 'ResourceNotFoundException' });
    },
    ...given,
  });
  engine.register({ stateMachineArn, name: 'life', roleArn: 'arn:of:role', definition });
  return {
    engine,
    clock,
    calls,
    start: (input: Json = {}) =>
      engine.start({ stateMachineArn, name: 'one', input: JSON.stringify(input) }),
    /** Lets time pass until the execution has ended; answers what it came to. */
    async ended() {
      const { output, ...record } = await clock.run(engine.finished(executionArn));
      return {
        status: record.status,
        ...(output === undefined ? {} : { output: JSON.parse(output) as Json }),
        ...(record.error === undefined ? {} : { error: record.error }),
        ...(record.cause === undefined ? {} : { cause: record.cause }),
        afterMs: clock.nowMs() - startedAtMs,
      };
    },
    types: () => engine.history(executionArn).map(({ type }) => type),
  };
}

/** Starts a machine and waits for its end. */
export async function runMachine(
  definition: string,
  input: Json = {},
  options: TestMachineOptions = {},
) {
  const machine = startMachine(definition, options);
  machine.start(input);
  return { ...machine, ...(await machine.ended()) };
}
