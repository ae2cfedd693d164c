import { describe, expect, it } from 'vitest';
import { deployAssembly } from '../../../local/assembly/deploy.ts';
import { networkOf } from '../../../local/assembly/network.ts';
import { codeOf, imageOf, type StackFixture, writeAssembly } from '../../helpers/cloud-assembly.ts';
import { recordedServices } from '../../helpers/recorded-services.ts';

const resource = (Type: string, Properties: object = {}, more: object = {}) => ({
  Type,
  Properties,
  ...more,
});

const data: StackFixture = {
  template: {
    Resources: {
      State1C20CC9A: resource('AWS::DynamoDB::Table', {
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
      Files8E6940B8: resource('AWS::S3::Bucket'),
    },
    Outputs: {
      TableName: {
        Value: { Ref: 'State1C20CC9A' },
        Export: { Name: { 'Fn::Sub': '${AWS::StackName}:Table' } },
      },
    },
  },
};

const lambda = (environment: object, more: object = {}) =>
  resource('AWS::Lambda::Function', {
    Code: codeOf('abc'),
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Timeout: 29,
    MemorySize: 512,
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Environment: { Variables: environment },
    ...more,
  });

const service: StackFixture = {
  dependencies: ['Ci-data'],
  bundles: { abc: { 'index.mjs': 'export const handler = async () => 1;' } },
  images: ['def'],
  template: {
    Resources: {
      // Stands before what it refers to: order comes from references, not from the text.
      Executions6708FA0B: lambda({
        TABLE: { 'Fn::ImportValue': 'Ci-data:Table' },
        TASKS: { Ref: 'Task' },
        LEASE_MS: '15000',
      }),
      Relay1234ABCD: lambda({ LEASE_MS: '15000' }, { FunctionName: 'Ci-relay' }),
      RelayInvoke: resource('AWS::Lambda::EventInvokeConfig', {
        FunctionName: { Ref: 'Relay1234ABCD' },
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Dlq', 'Arn'] } } },
      }),
      Dlq: resource('AWS::SQS::Queue'),
      Role: resource('AWS::IAM::Role'),
      Policy: resource('AWS::IAM::Policy', {
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Allow',
              Action: 'sqs:SendMessage',
              Resource: { 'Fn::GetAtt': ['Dlq', 'Arn'] },
            },
          ],
        },
        Roles: [{ Ref: 'Role' }],
      }),
      Cluster: resource('AWS::ECS::Cluster'),
      Task: resource('AWS::ECS::TaskDefinition', {
        Family: 'sandbox',
        Cpu: '1024',
        Memory: '2048',
        RequiresCompatibilities: ['FARGATE'],
        ContainerDefinitions: [
          { Name: 'agent', Image: imageOf('def'), Environment: [{ Name: 'A', Value: '1' }] },
        ],
      }),
      Subnet: resource('AWS::EC2::Subnet', {
        AvailabilityZone: { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
      }),
      Table: resource('AWS::EC2::RouteTable'),
      Joined: resource('AWS::EC2::SubnetRouteTableAssociation', {
        SubnetId: { Ref: 'Subnet' },
        RouteTableId: { Ref: 'Table' },
      }),
      Way: resource(
        'AWS::EC2::Route',
        { RouteTableId: { Ref: 'Table' }, DestinationCidrBlock: '0.0.0.0/0', GatewayId: 'igw-1' },
        { Condition: 'IsOpen' },
      ),
      Closed: resource('AWS::EC2::Subnet'),
    },
    Conditions: { IsOpen: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] } },
    Parameters: { BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/x' } },
    Outputs: { FunctionArn: { Value: { 'Fn::GetAtt': ['Executions6708FA0B', 'Arn'] } } },
  },
};

const stacks = { 'Ci-service': service, 'Ci-data': data };

async function deploy(fixtures: Record<string, StackFixture>, more: object = {}) {
  await using assembly = await writeAssembly(fixtures);
  const services = recordedServices();
  const deployment = await deployAssembly({ directory: assembly.directory, services, ...more });
  return { deployment, services, directory: assembly.directory };
}

describe('deploying a cloud assembly', () => {
  it('stands up stacks in the order of their dependencies, with exports carried over', async () => {
    const { services, deployment } = await deploy(stacks);
    const [table] = services.tables;
    expect(services.functions[0]?.environment['TABLE']).toBe(table?.['TableName']);
    expect(deployment.outputs('Ci-service')).toEqual({
      FunctionArn: deployment.functionNamed('Executions').functionArn,
    });
  });

  it('gives the same names at every start', async () => {
    const [first, second] = [await deploy(stacks), await deploy(stacks)];
    expect(first.services.buckets).toEqual(second.services.buckets);
    expect(first.deployment.resources.map(({ ref }) => ref)).toEqual(
      second.deployment.resources.map(({ ref }) => ref),
    );
    expect(first.services.buckets[0]).toMatch(/^ci-data-files8e6940b8-[0-9a-f]{12}$/);
  });

  it('creates functions with their bundle, their own key and their asynchronous settings', async () => {
    const { services, directory } = await deploy(stacks);
    const relay = services.functions.find(({ functionName }) => functionName === 'Ci-relay');
    expect(relay).toMatchObject({
      codeDirectory: `${directory}/asset.abc`,
      handler: 'index.handler',
      timeoutSeconds: 29,
      memoryMb: 512,
      credentials: { accessKeyId: 'key-of-Ci-relay' },
      maximumRetryAttempts: 0,
      maximumEventAgeSeconds: 60,
      onFailure: expect.stringMatching(/^arn:aws:sqs:us-east-1:000000000000:Ci-service-Dlq-/),
    });
  });

  it('registers a task definition with the folder of its image', async () => {
    const { services, directory, deployment } = await deploy(stacks);
    expect(services.taskDefinitions[0]).toMatchObject({
      family: 'sandbox',
      containers: [
        { name: 'agent', imageDirectory: `${directory}/asset.def`, environment: { A: '1' } },
      ],
    });
    expect(deployment.functionNamed('Executions').environment['TASKS']).toBe(
      'arn:aws:ecs:us-east-1:000000000000:task-definition/sandbox:1',
    );
  });

  it('keeps policies with every reference resolved', async () => {
    const { deployment } = await deploy(stacks);
    const [policy] = deployment.resourcesOfType('AWS::IAM::Policy');
    expect(JSON.stringify(policy?.properties)).toContain(
      'arn:aws:sqs:us-east-1:000000000000:Ci-service-Dlq-',
    );
  });

  it('knows which subnets have a default route, and a condition may take it away', async () => {
    const subnet = (deployment: Awaited<ReturnType<typeof deploy>>['deployment'], id: string) =>
      deployment.resources.find(({ logicalId }) => logicalId === id)?.ref ?? '';
    const open = await deploy(stacks);
    expect(networkOf(open.deployment).hasDefaultRoute(subnet(open.deployment, 'Subnet'))).toBe(
      true,
    );
    expect(networkOf(open.deployment).hasDefaultRoute(subnet(open.deployment, 'Closed'))).toBe(
      false,
    );
    const closed = await deploy(stacks, { region: 'eu-west-1' });
    expect(networkOf(closed.deployment).hasDefaultRoute(subnet(closed.deployment, 'Subnet'))).toBe(
      false,
    );
    expect(() => networkOf(closed.deployment).hasDefaultRoute('subnet-x')).toThrow(/subnet-x/);
  });
});

describe('environment overrides', () => {
  it('reach the functions that define the variable', async () => {
    const { deployment } = await deploy(stacks, {
      environmentOverrides: { '*': { LEASE_MS: '500' }, Executions: { TASKS: 'none' } },
    });
    expect(deployment.functionNamed('Relay').environment).toEqual({ LEASE_MS: '500' });
    expect(deployment.functionNamed('Executions').environment).toMatchObject({
      LEASE_MS: '500',
      TASKS: 'none',
    });
  });

  it('are refused for a variable that the template does not define', async () => {
    const wrong = deploy(stacks, { environmentOverrides: { Relay: { LEASE: '500' } } });
    await expect(wrong).rejects.toThrow(/gives LEASE to no function that Relay means/);
  });

  it('are refused for a function that is not there', async () => {
    const wrong = deploy(stacks, { environmentOverrides: { Nobody: { LEASE_MS: '1' } } });
    await expect(wrong).rejects.toThrow(/no function is called or begins with Nobody/);
  });
});

describe('an assembly that cannot be stood up', () => {
  const one = (Resources: object, more: object = {}): Record<string, StackFixture> => ({
    Stack: { template: { Resources, ...more } },
  });

  it('stops at an unknown resource type with its name, before anything stands', async () => {
    await using assembly = await writeAssembly(
      one({ Bucket: resource('AWS::S3::Bucket'), Db: resource('AWS::RDS::DBInstance') }),
    );
    const services = recordedServices();
    await expect(deployAssembly({ directory: assembly.directory, services })).rejects.toThrow(
      /Stack\/Db: the resource type AWS::RDS::DBInstance has neither a provider/,
    );
    expect(services.buckets).toEqual([]);
  });

  it.each([
    [
      'an attribute that is not known',
      {
        A: resource('AWS::SQS::Queue'),
        B: resource('AWS::SQS::Queue', { QueueName: { 'Fn::GetAtt': ['A', 'Age'] } }),
      },
      /A \(AWS::SQS::Queue\) has no attribute Age/,
    ],
    [
      'a circle',
      {
        A: resource('AWS::SQS::Queue', { X: { Ref: 'B' } }),
        B: resource('AWS::SQS::Queue', { X: { Ref: 'A' } }),
      },
      /circular dependency: A → B → A/,
    ],
    [
      'a reference to nothing',
      { A: resource('AWS::SQS::Queue', { X: { Ref: 'Nothing' } }) },
      /Nothing is neither a resource nor a parameter/,
    ],
    [
      'a function of another language',
      {
        A: resource('AWS::Lambda::Function', {
          Code: codeOf('x'),
          Handler: 'a.b',
          Runtime: 'python3.13',
        }),
      },
      /Runtime: only Node.js functions/,
    ],
    [
      'an import that nobody exports',
      { A: resource('AWS::SQS::Queue', { X: { 'Fn::ImportValue': 'y' } }) },
      /no earlier stack exports y/,
    ],
    [
      'an image from a registry',
      {
        A: resource('AWS::ECS::TaskDefinition', {
          Cpu: '256',
          Memory: '512',
          RequiresCompatibilities: ['FARGATE'],
          ContainerDefinitions: [{ Name: 'a', Image: 'public.ecr.aws/x:1' }],
        }),
      },
      /no image asset for public.ecr.aws/,
    ],
  ])('stops at %s', async (_what, resources, message) => {
    await expect(deploy(one(resources))).rejects.toThrow(message);
  });

  it('says what to do when there is no assembly', async () => {
    const services = recordedServices();
    await expect(deployAssembly({ directory: '/nowhere', services })).rejects.toThrow(
      /run "cdk synth" first/,
    );
  });
});
