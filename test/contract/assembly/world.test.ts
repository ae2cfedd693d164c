import { once } from 'node:events';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type AwsWorld, startAwsWorld } from '../../../local/assembly/world.ts';
import {
  type AssemblyFixture,
  codeOf,
  imageOf,
  type StackFixture,
  writeAssembly,
} from '../../helpers/cloud-assembly.ts';
import { FakeTaskDriver } from '../../helpers/fake-task-driver.ts';

/** One bundle with two handlers that use the real SDK, as the product's functions do. */
const source = `
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ECSClient, RunTaskCommand } from '@aws-sdk/client-ecs';
const tables = new DynamoDBClient({});
const tasks = new ECSClient({});
const TableName = process.env.TABLE;
export const launch = async () => {
  const { tasks: [task] } = await tasks.send(new RunTaskCommand({
    cluster: process.env.CLUSTER,
    taskDefinition: process.env.TASK,
    networkConfiguration: { awsvpcConfiguration: { subnets: [process.env.SUBNET] } },
  }));
  return { statusCode: 202, body: JSON.stringify({ id: task.taskArn }) };
};
export const show = async ({ pathParameters }) => {
  const { Item } = await tables.send(new GetItemCommand({ TableName, Key: { pk: { S: pathParameters.id } } }));
  return { statusCode: Item === undefined ? 404 : 200, body: Item?.address.S ?? '' };
};
export const hear = async ({ detail }) => {
  if (detail.lastStatus !== 'RUNNING') return;
  const address = detail.containers[0].networkInterfaces[0].privateIpv4Address;
  await tables.send(new PutItemCommand({
    TableName,
    Item: { pk: { S: detail.taskArn.split('/').at(-1) }, address: { S: address } },
  }));
};
export const talk = async ({ requestContext, body }) => {
  if (requestContext.eventType !== 'MESSAGE') return { statusCode: 200 };
  const connections = new ApiGatewayManagementApiClient({ endpoint: process.env.CONNECTIONS });
  const { connectionId: ConnectionId } = requestContext;
  await connections.send(new PostToConnectionCommand({ ConnectionId, Data: 'heard ' + body }));
  return { statusCode: 200 };
};
export const fail = async () => { throw new TypeError('as asked'); };
`;

const bundle = async () => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
};

const ref = (Ref: string) => ({ Ref });
const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });

function stackOf(code: string): StackFixture {
  const lambda = (handler: string, Variables: object = {}) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: codeOf('abc'),
      Handler: `index.${handler}`,
      Runtime: 'nodejs24.x',
      Timeout: 20,
      MemorySize: 256,
      Environment: { Variables },
    },
  });
  const uri = (logicalId: string) => ({
    'Fn::Join': [
      '',
      [
        'arn:aws:apigateway:',
        ref('AWS::Region'),
        ':lambda:path/2015-03-31/functions/',
        arn(logicalId),
        '/invocations',
      ],
    ],
  });
  const method = (HttpMethod: string, resource: string, logicalId: string) => ({
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      HttpMethod,
      ResourceId: ref(resource),
      RestApiId: ref('Api'),
      AuthorizationType: 'NONE',
      Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri: uri(logicalId) },
    },
  });
  const resource = (ParentId: object, PathPart: string) => ({
    Type: 'AWS::ApiGateway::Resource',
    Properties: { ParentId, PathPart, RestApiId: ref('Api') },
  });
  const socketApi = (type: string, Properties: object) => ({
    Type: `AWS::ApiGatewayV2::${type}`,
    Properties: { ApiId: ref('Sockets'), ...Properties },
  });
  const socketRoute = (RouteKey: string) =>
    socketApi('Route', {
      RouteKey,
      Target: { 'Fn::Sub': 'integrations/${ToTalk}' },
    });
  return {
    bundles: { abc: { 'index.js': code } },
    images: ['def'],
    template: {
      Resources: {
        State: {
          Type: 'AWS::DynamoDB::Table',
          Properties: {
            AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
            BillingMode: 'PAY_PER_REQUEST',
          },
        },
        Files: { Type: 'AWS::S3::Bucket', Properties: {} },
        Subnet: { Type: 'AWS::EC2::Subnet', Properties: {} },
        Cluster: { Type: 'AWS::ECS::Cluster' },
        Task: {
          Type: 'AWS::ECS::TaskDefinition',
          Properties: {
            Cpu: '1024',
            Memory: '2048',
            RequiresCompatibilities: ['FARGATE'],
            ContainerDefinitions: [{ Name: 'agent', Image: imageOf('def') }],
          },
        },
        Launch: lambda('launch', {
          CLUSTER: ref('Cluster'),
          TASK: ref('Task'),
          SUBNET: ref('Subnet'),
        }),
        Show: lambda('show', { TABLE: ref('State') }),
        Hear: lambda('hear', { TABLE: ref('State') }),
        Fail: lambda('fail'),
        Talk: lambda('talk', {
          CONNECTIONS: {
            'Fn::Sub': 'https://${Sockets}.execute-api.${AWS::Region}.${AWS::URLSuffix}/ws',
          },
        }),
        Sockets: {
          Type: 'AWS::ApiGatewayV2::Api',
          Properties: {
            Name: 'Sockets',
            ProtocolType: 'WEBSOCKET',
            RouteSelectionExpression: '$request.body.type',
          },
        },
        SocketStage: socketApi('Stage', { StageName: 'ws', AutoDeploy: true }),
        ToTalk: socketApi('Integration', {
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: uri('Talk'),
        }),
        SocketConnect: socketRoute('$connect'),
        SocketDefault: socketRoute('$default'),
        SocketMay: {
          Type: 'AWS::Lambda::Permission',
          Properties: {
            Action: 'lambda:InvokeFunction',
            FunctionName: arn('Talk'),
            Principal: 'apigateway.amazonaws.com',
          },
        },
        Changes: {
          Type: 'AWS::Events::Rule',
          Properties: {
            EventPattern: {
              source: ['aws.ecs'],
              'detail-type': ['ECS Task State Change'],
              detail: { clusterArn: [arn('Cluster')] },
            },
            State: 'ENABLED',
            Targets: [
              { Id: 'Target0', Arn: arn('Hear'), RetryPolicy: { MaximumRetryAttempts: 3 } },
            ],
          },
        },
        Api: {
          Type: 'AWS::ApiGateway::RestApi',
          Properties: { Name: 'Api', BinaryMediaTypes: ['*/*'] },
        },
        Tasks: resource({ 'Fn::GetAtt': ['Api', 'RootResourceId'] }, 'tasks'),
        One: resource(ref('Tasks'), '{id}'),
        Post: method('POST', 'Tasks', 'Launch'),
        Get: method('GET', 'One', 'Show'),
        Deployment: {
          Type: 'AWS::ApiGateway::Deployment',
          Properties: { RestApiId: ref('Api') },
          DependsOn: ['Post', 'Get'],
        },
        Stage: {
          Type: 'AWS::ApiGateway::Stage',
          Properties: { RestApiId: ref('Api'), DeploymentId: ref('Deployment'), StageName: 'api' },
        },
      },
    },
  };
}

let world: AwsWorld;
let driver: FakeTaskDriver;
let assembly: AssemblyFixture;

beforeAll(async () => {
  assembly = await writeAssembly({ Ci: stackOf(await bundle()) });
  driver = new FakeTaskDriver();
  world = await startAwsWorld({
    assemblyDirectory: assembly.directory,
    taskDriver: driver,
    ports: { rest: 0 },
    log: () => {},
  });
});

afterAll(async () => {
  await world?.close();
  await assembly?.[Symbol.asyncDispose]();
});

describe('a world stood up from an assembly', () => {
  it('carries a request through API, function, ECS, event, function and table', async () => {
    const launched = await fetch(`${world.restUrl}/tasks`, { method: 'POST' });
    expect(launched.status).toBe(202);
    const { id } = (await launched.json()) as { id: string };
    const url = `${world.restUrl}/tasks/${id.split('/').at(-1)}`;
    await driver.started(1);
    let shown = await fetch(url);
    while (shown.status === 404) shown = await fetch(url);
    expect([shown.status, await shown.text()]).toEqual([200, '127.64.0.2']);
  });

  it('carries a message from a WebSocket to a function, and its post back', async () => {
    const client = new WebSocket(world.websocketUrl ?? '');
    await once(client, 'open');
    client.send('hello');
    const [data] = await once(client, 'message');
    expect(String(data)).toBe('heard hello');
    client.close();
    await once(client, 'close');
  });

  it('lays each call to the function that made it', async () => {
    const response = await fetch(`${world.controlUrl}/requests`, {
      headers: { authorization: `Bearer ${world.controlToken}` },
    });
    const counted = JSON.stringify(await response.json());
    for (const name of ['Launch', 'Show', 'Hear', 'Talk'])
      expect(counted).toContain(world.deployment.functionNamed(name).functionName);
    for (const action of ['$connect', '$default', 'PostToConnection'])
      expect(counted).toContain(`"${action}"`);
  });

  it('lets an operator invoke a function by its logical id, and throws what it throws', async () => {
    await expect(world.invokeOperator('Fail', {})).rejects.toThrow('TypeError: as asked');
    await expect(world.invokeOperator('Nobody', {})).rejects.toThrow(
      /no function is called Nobody/,
    );
  });
});

describe('a world that ends', () => {
  it('tells its WebSockets that it goes away', async () => {
    const ending = await startAwsWorld({
      assemblyDirectory: assembly.directory,
      taskDriver: new FakeTaskDriver(),
      ports: { rest: 0 },
      log: () => {},
    });
    const client = new WebSocket(ending.websocketUrl ?? '');
    await once(client, 'open');
    const closed = once(client, 'close');
    await ending.close();
    expect((await closed)[0]).toBe(1001);
  });
});

describe('a world that cannot stand', () => {
  it('leaves nothing listening and names what stopped it', async () => {
    await using assembly = await writeAssembly({
      Ci: { template: { Resources: { A: { Type: 'AWS::RDS::DBInstance' } } } },
    });
    const start = startAwsWorld({
      assemblyDirectory: assembly.directory,
      taskDriver: new FakeTaskDriver(),
      ports: { rest: 0 },
      log: () => {},
    });
    await expect(start).rejects.toThrow(/AWS::RDS::DBInstance/);
  });
});
