/** The state machine of lives, as it is deployed. */
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { assemblyOf, oneOf } from './assembly.ts';
import { allowed, asText, statementsOf } from './statements.ts';

const FUNCTION =
  'arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:code-interpreter-lifecycle';
const machineOf = async (name: 'dev' | 'prod') =>
  oneOf((await assemblyOf(name)).service, 'AWS::StepFunctions::StateMachine', 'Lifecycle');

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Arguments?: { readonly FunctionName: string };
  readonly TimeoutSeconds?: unknown;
}

async function statesOf(): Promise<Map<string, State>> {
  const text = asText((await machineOf('dev'))['DefinitionString']);
  const { QueryLanguage, States } = JSON.parse(text) as {
    QueryLanguage: string;
    States: Record<string, State>;
  };
  expect(QueryLanguage).toBe('JSONata');
  return new Map(Object.entries(States));
}

describe('the lifecycle', () => {
  it('is valid in the language of states', async () => {
    const text = asText((await machineOf('dev'))['DefinitionString']);
    const definition = JSON.parse(text.replaceAll(/<AWS::\w+>/g, 'x'));
    expect(validate(definition)).toMatchObject({ isValid: true, errors: [] });
    delete definition.States.Hold;
    expect(validate(definition).isValid).toBe(false);
  });

  it('is one function’s steps, and every step that waits is bounded in time', async () => {
    const tasks = [...(await statesOf())].filter(([, { Type }]) => Type === 'Task');
    expect(tasks.map(([name]) => name)).toEqual(['Launch', 'Hold', 'Renew', 'End']);
    for (const [name, { Resource, Arguments, TimeoutSeconds }] of tasks) {
      expect(Arguments?.FunctionName, name).toBe(FUNCTION);
      if (Resource?.endsWith('waitForTaskToken')) expect(TimeoutSeconds, name).toBeDefined();
    }
  });

  it('is a standard machine whose role invokes that function, and delivers logs', async () => {
    const { service } = await assemblyOf('dev');
    expect(await machineOf('dev')).toMatchObject({ StateMachineType: 'STANDARD' });
    const grants = allowed(service, 'LifecycleRole').filter((grant) => !grant.startsWith('logs:'));
    expect(grants).toEqual([`lambda:InvokeFunction ${FUNCTION}`]);
    const [trust] = oneOf(service, 'AWS::IAM::Role', 'LifecycleRole')['AssumeRolePolicyDocument']
      .Statement;
    expect(trust).toMatchObject({ Principal: { Service: 'states.amazonaws.com' } });
  });

  it('logs errors without what was in them, and is traced in prod', async () => {
    for (const [name, traced] of [
      ['dev', false],
      ['prod', true],
    ] as const)
      expect(await machineOf(name)).toMatchObject({
        LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
        TracingConfiguration: { Enabled: traced },
      });
  });

  it('is begun and told by functions only, and by none that has no need', async () => {
    const { service } = await assemblyOf('dev');
    const who = (action: string) =>
      [
        'Sandboxes',
        'Executions',
        'Relay',
        'Pool',
        'TaskEvents',
        'LifecycleSteps',
        'Account',
      ].filter((id) =>
        statementsOf(service, `${id}Role`).some(({ actions }) => actions.includes(action)),
      );
    expect(who('states:StartExecution')).toEqual(['Sandboxes', 'Executions', 'Pool']);
    expect(who('states:SendTaskSuccess')).toEqual([
      'Sandboxes',
      'Executions',
      'Pool',
      'TaskEvents',
      'LifecycleSteps',
    ]);
  });
});
