import { describe, expect, it } from 'vitest';
import { deployAssembly } from '../../../local/assembly/deploy.ts';
import { codeOf, writeAssembly } from '../../helpers/cloud-assembly.ts';
import { recordedServices } from '../../helpers/recorded-services.ts';

async function deploy(properties: object) {
  await using assembly = await writeAssembly({
    Ci: {
      bundles: { abc: { 'index.mjs': '' } },
      template: {
        Resources: {
          Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'life' } },
          Hold: {
            Type: 'AWS::Lambda::Function',
            Properties: {
              FunctionName: 'Ci-hold',
              Code: codeOf('abc'),
              Handler: 'index.handler',
              Runtime: 'nodejs24.x',
            },
          },
          Life: {
            Type: 'AWS::StepFunctions::StateMachine',
            Properties: { RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] }, ...properties },
          },
        },
        Outputs: {
          Machine: { Value: { Ref: 'Life' } },
          Name: { Value: { 'Fn::GetAtt': ['Life', 'Name'] } },
          Arn: { Value: { 'Fn::GetAtt': ['Life', 'Arn'] } },
        },
      },
    },
  });
  const services = recordedServices();
  const deployment = await deployAssembly({ directory: assembly.directory, services });
  return { machines: services.stateMachines, outputs: deployment.outputs('Ci') };
}

describe('a state machine of the template', () => {
  it('is registered under its own role, with what its definition refers to', async () => {
    const { machines, outputs } = await deploy({
      StateMachineName: 'Ci-life',
      DefinitionString: { 'Fn::Join': ['', ['{"a":"', { Ref: 'Hold' }, '${b}"}']] },
      DefinitionSubstitutions: { b: '!' },
      LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
    expect(machines).toEqual([
      {
        name: 'Ci-life',
        roleArn: 'arn:aws:iam::000000000000:role/life',
        definition: '{"a":"Ci-hold!"}',
      },
    ]);
    expect(outputs).toEqual({ Machine: 'arn:of:Ci-life', Name: 'Ci-life', Arn: 'arn:of:Ci-life' });
  });

  it('may be written as an object, and is given a name', async () => {
    const { machines } = await deploy({ Definition: { a: { Ref: 'Hold' } } });
    expect(machines).toMatchObject([
      { name: expect.stringMatching(/^Ci-Life-[0-9A-F]{12}$/), definition: '{"a":"Ci-hold"}' },
    ]);
  });

  it.each([
    [{ StateMachineType: 'EXPRESS', DefinitionString: '{}' }, /only STANDARD machines run here/],
    [{}, /Ci\/Life: a state machine needs a DefinitionString, a Definition or/],
    [
      { DefinitionS3Location: { Bucket: 'elsewhere', Key: 'machine.json' } },
      /holds no file asset for s3:\/\/elsewhere\/machine.json/,
    ],
  ])('is refused with a reason: %j', async (properties, message) => {
    await expect(deploy(properties)).rejects.toThrow(message);
  });
});
