/** A small stack of everything that a world stands up, and the code of its functions. */
import { build } from 'esbuild';
import {
  codeOf,
  imageOf,
  permissionOf,
  roleOf,
  type StackFixture,
} from '../../helpers/cloud-assembly.ts';

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

export const bundle = async () => {
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

export function stackOf(code: string): StackFixture {
  const lambda = (handler: string, Variables: object = {}, role = 'Idle') => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      Role: arn(role),
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
            ExecutionRoleArn: arn('Pulls'),
            ContainerDefinitions: [{ Name: 'agent', Image: imageOf('def') }],
          },
        },
        Launch: lambda(
          'launch',
          { CLUSTER: ref('Cluster'), TASK: ref('Task'), SUBNET: ref('Subnet') },
          'Launches',
        ),
        Show: lambda('show', { TABLE: ref('State') }, 'Reads'),
        Hear: lambda('hear', { TABLE: ref('State') }, 'Writes'),
        Peek: lambda('show', { TABLE: ref('State') }, 'Writes'),
        Fail: lambda('fail', {}, 'Fails'),
        Idle: roleOf('lambda'),
        Fails: roleOf('lambda', ['sqs:SendMessage', arn('GivenUp')]),
        Pulls: roleOf('ecs-tasks'),
        Reads: roleOf('lambda', ['dynamodb:GetItem', arn('State')]),
        Writes: roleOf('lambda', ['dynamodb:PutItem', arn('State')]),
        Talks: roleOf('lambda', ['execute-api:ManageConnections', 'arn:aws:execute-api:*:*:*']),
        Launches: roleOf('lambda', ['ecs:RunTask', ref('Task')], ['iam:PassRole', arn('Pulls')]),
        ShowMay: permissionOf('apigateway', 'Show'),
        LaunchMay: permissionOf('apigateway', 'Launch'),
        HearMay: permissionOf('events', 'Hear'),
        GivenUp: { Type: 'AWS::SQS::Queue' },
        FailOnce: {
          Type: 'AWS::Lambda::EventInvokeConfig',
          Properties: {
            FunctionName: ref('Fail'),
            Qualifier: '$LATEST',
            MaximumRetryAttempts: 0,
            DestinationConfig: { OnFailure: { Destination: arn('GivenUp') } },
          },
        },
        Talk: lambda(
          'talk',
          {
            CONNECTIONS: {
              'Fn::Sub': 'https://${Sockets}.execute-api.${AWS::Region}.${AWS::URLSuffix}/ws',
            },
          },
          'Talks',
        ),
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
        SocketMay: permissionOf('apigateway', 'Talk'),
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
