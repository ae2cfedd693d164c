/** A state machine of a template whose functions call the stand-ins with the real SDK, across a restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startAwsWorld } from '../../../local/assembly/world.ts';
import {
  type AssemblyFixture,
  codeOf,
  roleOf,
  writeAssembly,
} from '../../helpers/cloud-assembly.ts';
import { FakeTaskDriver } from '../../helpers/fake-task-driver.ts';

const source = `
import { SendTaskSuccessCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
const machines = new SFNClient({});
export const begin = async (input) => machines.send(new StartExecutionCommand({
  stateMachineArn: process.env.MACHINE, name: input.name, input: JSON.stringify(input),
}));
export const hold = async ({ token, endsItself }) => {
  console.log('token ' + token);
  if (endsItself) await end({ token });
};
export const end = async ({ token }) => {
  await machines.send(new SendTaskSuccessCommand({ taskToken: token, output: '"ended"' }));
};
`;

const [beforeName = '', afterName = ''] = JSON.stringify({
  QueryLanguage: 'JSONata',
  StartAt: 'Hold',
  States: {
    Hold: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      TimeoutSeconds: 60,
      Arguments: {
        FunctionName: 'NAME',
        Payload: '{% $merge([$states.input, {"token": $states.context.Task.Token}]) %}',
      },
      Next: 'Done',
    },
    Done: { Type: 'Succeed' },
  },
}).split('NAME');

const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });

/** Named, not referred to: the functions name the machine, and the machine them. */
const LIFE_ARN = {
  'Fn::Sub': 'arn:aws:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-life',
};

async function stackOf() {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  const lambda = (handler: string, Variables: object = {}) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      Role: arn('Steps'),
      Code: codeOf('abc'),
      Handler: `index.${handler}`,
      Runtime: 'nodejs24.x',
      Timeout: 20,
      Environment: { Variables },
    },
  });
  return {
    bundles: { abc: { 'index.js': outputFiles[0]?.text ?? '' } },
    template: {
      Resources: {
        Begin: lambda('begin', { MACHINE: { Ref: 'Life' } }),
        Hold: lambda('hold'),
        End: lambda('end'),
        Steps: roleOf(
          'lambda',
          ['states:StartExecution', LIFE_ARN],
          ['states:SendTaskSuccess', LIFE_ARN],
        ),
        Lives: roleOf('states', ['lambda:InvokeFunction', arn('Hold')]),
        Life: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: {
            StateMachineName: { 'Fn::Sub': '${AWS::StackName}-life' },
            RoleArn: arn('Lives'),
            DefinitionString: { 'Fn::Join': ['', [beforeName, arn('Hold'), afterName]] },
          },
        },
        // A world has one REST API.
        Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'Api' } },
        Stage: {
          Type: 'AWS::ApiGateway::Stage',
          Properties: { RestApiId: { Ref: 'Api' }, StageName: 'api' },
        },
      },
    },
  };
}

let assembly: AssemblyFixture;
let dataDirectory: string;

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'world-'));
  assembly = await writeAssembly({ Ci: await stackOf() });
});

afterAll(async () => {
  await assembly[Symbol.asyncDispose]();
  await rm(dataDirectory, { recursive: true, force: true });
});

const Shown = z.object({
  executions: z
    .array(z.looseObject({ name: z.string(), status: z.string(), state: z.string().optional() }))
    .optional(),
  transitions: z.array(z.unknown()).optional(),
});

async function start() {
  const tokens: string[] = [];
  const world = await startAwsWorld({
    assemblyDirectory: assembly.directory,
    dataDirectory,
    taskDriver: new FakeTaskDriver(),
    ports: { rest: 0 },
    log: (_source, line) => {
      const token = /token (\S+)$/.exec(line)?.[1];
      if (token !== undefined) tokens.push(token);
    },
  });
  const control = async (path: string) => {
    const headers = { authorization: `Bearer ${world.controlToken}` };
    return Shown.parse(await (await fetch(`${world.controlUrl}${path}`, { headers })).json());
  };
  return {
    world,
    tokens,
    control,
    /** Waits until the execution has that status or stands in that state, with its function done. */
    async until(name: string, what: string) {
      for (;;) {
        const { executions = [] } = await control('/executions');
        const found = executions.find((execution) => execution.name === name);
        if (found !== undefined && (found.status === what || found.state === what)) return found;
      }
    },
    [Symbol.asyncDispose]: () => world.close(),
  };
}

describe('a state machine of a template', () => {
  it('calls functions, is ended through the API, and counts its transitions', async () => {
    await using life = await start();
    const begun = await life.world.invokeOperator('Begin', { name: 'own', endsItself: true });
    expect(begun).toMatchObject({
      executionArn: 'arn:aws:states:us-east-1:000000000000:execution:Ci-life:own',
    });
    await life.until('own', 'SUCCEEDED');
    expect(await life.control('/transitions')).toEqual({
      transitions: ['Hold', 'Done'].map((state) => ({ stateMachine: 'Ci-life', state, count: 1 })),
    });
  });

  it('goes on waiting for its token after a restart', async () => {
    let token: string | undefined;
    {
      await using life = await start();
      await life.world.invokeOperator('Begin', { name: 'patient' });
      while (token === undefined) {
        await life.until('patient', 'Hold');
        [token] = life.tokens;
      }
    }
    await using life = await start();
    expect(await life.until('own', 'SUCCEEDED')).toMatchObject({ transitions: 2 });
    await life.world.invokeOperator('End', { token });
    expect(await life.until('patient', 'SUCCEEDED')).toMatchObject({ transitions: 2 });
  });
});
