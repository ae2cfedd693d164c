/** What requests ask for, as AWS documents it. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { connectionRights } from '../../../local/services/api-gateway/websocket/rights.ts';
import { dynamoDbRights } from '../../../local/services/dynamodb/rights.ts';
import { ecsRights } from '../../../local/services/ecs/rights.ts';
import { eventRights } from '../../../local/services/event-bridge/rights.ts';
import type { Right } from '../../../local/services/iam/decision.ts';
import { lambdaRights } from '../../../local/services/lambda/rights.ts';
import { s3Rights } from '../../../local/services/s3/rights.ts';
import type { UncheckedRequest } from '../../../local/services/service.ts';
import { tokenOf } from '../../../local/services/step-functions/interpreter/tokens.ts';
import { stepFunctionsRights } from '../../../local/services/step-functions/rights.ts';

const lines = (rights: readonly Right[]) =>
  rights.map(({ action, resource, context = {} }) =>
    [
      action,
      resource,
      ...Object.entries(context).map(([key, value]) => `${key}=${value.join()}`),
    ].join(' '),
  );
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const incoming = (method: string, url: string, headers: Record<string, string> = {}) =>
  ({ method, url, headers }) as unknown as IncomingMessage;
const rest = (method: string, path: string) =>
  ({
    incoming: incoming(method, path),
    url: new URL(path, 'http://127.0.0.1'),
  }) as UncheckedRequest;

describe('a request to DynamoDB', () => {
  const ask = (operation: string, input: Record<string, unknown>) =>
    lines(
      dynamoDbRights(operation, input, (name) => ({
        arn: `table/${name}`,
        partitionKey: 'pk',
        indexes: [
          {
            IndexName: 'gsi1',
            KeySchema: [{ AttributeName: 'gsi1pk', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      })),
    );
  const TableName = 'state';
  const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 'x' } });

  it('names its table and the partition key that it touches', () => {
    expect(ask('GetItem', { TableName, Key: key('a') })).toEqual([
      'dynamodb:GetItem table/state dynamodb:leadingkeys=a',
    ]);
    expect(ask('PutItem', { TableName, Item: { ...key('b'), more: { N: '1' } } })).toEqual([
      'dynamodb:PutItem table/state dynamodb:leadingkeys=b',
    ]);
  });

  it('that queries names its index, and the key that it compares', () => {
    const query = {
      TableName,
      KeyConditionExpression: '#pk = :pk and begins_with(#sk, :sk)',
      ExpressionAttributeNames: { '#pk': 'gsi1pk', '#sk': 'gsi1sk' },
      ExpressionAttributeValues: { ':pk': { S: 'tenant' }, ':sk': { S: 's' } },
    };
    expect(ask('Query', { ...query, IndexName: 'gsi1' })).toEqual([
      'dynamodb:Query table/state/index/gsi1 dynamodb:leadingkeys=tenant',
    ]);
    expect(ask('Query', query)).toEqual(['dynamodb:Query table/state']);
  });

  it('that is a transaction asks for the action of each item', () => {
    const item = { TableName, Key: key('a') };
    const TransactItems = [
      { Put: { TableName, Item: key('p') } },
      { Update: item },
      { Delete: item },
      { ConditionCheck: item },
    ];
    expect(ask('TransactWriteItems', { TransactItems })).toEqual([
      'dynamodb:PutItem table/state dynamodb:leadingkeys=p',
      'dynamodb:UpdateItem table/state dynamodb:leadingkeys=a',
      'dynamodb:DeleteItem table/state dynamodb:leadingkeys=a',
      'dynamodb:ConditionCheckItem table/state dynamodb:leadingkeys=a',
    ]);
    expect(ask('TransactGetItems', { TransactItems: [{ Get: item }] })).toEqual([
      'dynamodb:GetItem table/state dynamodb:leadingkeys=a',
    ]);
  });

  it('that is a batch asks for the batch’s action, for each item', () => {
    const RequestItems = {
      state: [{ PutRequest: { Item: key('p') } }],
      output: [{ DeleteRequest: { Key: key('d') } }],
    };
    expect(ask('BatchWriteItem', { RequestItems })).toEqual([
      'dynamodb:BatchWriteItem table/state dynamodb:leadingkeys=p',
      'dynamodb:BatchWriteItem table/output dynamodb:leadingkeys=d',
    ]);
    expect(ask('BatchGetItem', { RequestItems: { state: { Keys: [key('g')] } } })).toEqual([
      'dynamodb:BatchGetItem table/state dynamodb:leadingkeys=g',
    ]);
  });

  it.each([{}, { TransactItems: [] }, { TransactItems: 'x' }])(
    'that is wrong, %j, asks for a right that no grant of a table gives',
    (input) => {
      expect(ask('TransactWriteItems', input)).toEqual(['dynamodb:TransactWriteItems *']);
    },
  );
});

describe('a request to S3', () => {
  it.each([
    ['GET', '/b/a/key', ['s3:GetObject arn:aws:s3:::b/a/key']],
    ['HEAD', '/b/k', ['s3:GetObject arn:aws:s3:::b/k']],
    ['PUT', '/b/k%20k', ['s3:PutObject arn:aws:s3:::b/k k']],
    ['PUT', '/b/k?partNumber=1&uploadId=x', ['s3:PutObject arn:aws:s3:::b/k']],
    ['POST', '/b/k?uploads', ['s3:PutObject arn:aws:s3:::b/k']],
    ['POST', '/b/k?uploadId=x', ['s3:PutObject arn:aws:s3:::b/k']],
    ['DELETE', '/b/k?uploadId=x', ['s3:AbortMultipartUpload arn:aws:s3:::b/k']],
    ['DELETE', '/b/k', ['s3:DeleteObject arn:aws:s3:::b/k']],
    ['GET', '/b?list-type=2&prefix=p', ['s3:ListBucket arn:aws:s3:::b s3:prefix=p']],
    ['HEAD', '/b', ['s3:ListBucket arn:aws:s3:::b']],
    ['POST', '/b?delete', ['s3:DeleteObject arn:aws:s3:::b/*']],
    ['GET', '/b/%E0%A4%A', ['s3:GETBucket arn:aws:s3:::']],
  ])('%s %s asks for %j', (method, url, expected) => {
    expect(lines(s3Rights(incoming(method, url)))).toEqual(expected);
  });

  it('that copies asks for both objects', () => {
    const copy = incoming('PUT', '/b/k', { 'x-amz-copy-source': '/from/k2' });
    expect(lines(s3Rights(copy))).toEqual([
      's3:PutObject arn:aws:s3:::b/k',
      's3:GetObject arn:aws:s3:::from/k2',
    ]);
  });
});

describe('a request to ECS', () => {
  const ask = (operation: string, request: object) =>
    lines(
      ecsRights(operation, json(request), {
        clusterArn: (name) => `cluster/${name}`,
        taskArn: (cluster, id) => `task/${cluster}/${id}`,
        taskDefinitionArn: (name) => `${name}:1`,
        roleArns: () => ['role/pulls'],
      }),
    );

  it('that runs a task passes its roles, and tags it if it has tags', () => {
    const request = { cluster: 'main', taskDefinition: 'box' };
    const run = [
      'ecs:RunTask box:1 ecs:cluster=cluster/main',
      'iam:PassRole role/pulls iam:passedtoservice=ecs-tasks.amazonaws.com',
    ];
    expect(ask('RunTask', request)).toEqual(run);
    expect(ask('RunTask', { ...request, tags: [{ key: 'a', value: 'b' }] })).toEqual([
      ...run,
      `ecs:TagResource task/main/${'0'.repeat(32)} ecs:createaction=RunTask`,
    ]);
  });

  it('names each task that it is about, and none where it lists', () => {
    const cluster = 'main';
    expect(ask('StopTask', { cluster, task: 't1' })).toEqual([
      'ecs:StopTask task/main/t1 ecs:cluster=cluster/main',
    ]);
    expect(ask('DescribeTasks', { cluster, tasks: ['t1', 't2'] })).toEqual([
      'ecs:DescribeTasks task/main/t1 ecs:cluster=cluster/main',
      'ecs:DescribeTasks task/main/t2 ecs:cluster=cluster/main',
    ]);
    expect(ask('ListTasks', { cluster })).toEqual(['ecs:ListTasks * ecs:cluster=cluster/main']);
  });
});

describe('a request to Step Functions', () => {
  const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:life';
  const EXECUTION = 'arn:aws:states:us-east-1:000000000000:execution:life:sb1';

  it('that tells of a task is about the machine that the token is of', () => {
    const taskToken = tokenOf(EXECUTION);
    expect(lines(stepFunctionsRights('SendTaskSuccess', json({ taskToken })))).toEqual([
      `states:SendTaskSuccess ${MACHINE}`,
    ]);
    expect(lines(stepFunctionsRights('SendTaskSuccess', json({ taskToken: 'x' })))).toEqual([
      'states:SendTaskSuccess *',
    ]);
  });

  it('names the machine or the execution that it is about', () => {
    const start = stepFunctionsRights('StartExecution', json({ stateMachineArn: MACHINE }));
    const stop = stepFunctionsRights('StopExecution', json({ executionArn: EXECUTION }));
    expect(lines([...start, ...stop])).toEqual([
      `states:StartExecution ${MACHINE}`,
      `states:StopExecution ${EXECUTION}`,
    ]);
  });
});

describe('a request to Lambda', () => {
  const ask = (path: string) =>
    lines(lambdaRights(rest('POST', path), (name) => `function:${name}`));

  it('invokes, whichever way', () => {
    expect(ask('/2015-03-31/functions/relay/invocations')).toEqual([
      'lambda:InvokeFunction function:relay',
    ]);
    expect(ask('/2021-11-15/functions/relay/response-streaming-invocations')).toEqual([
      'lambda:InvokeFunction function:relay',
    ]);
    expect(ask('/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/invocations')).toEqual([
      'lambda:InvokeFunction arn:aws:lambda:x',
    ]);
  });
});

it('a post to a connection is one action on the route with its method', () => {
  const arn = 'arn:aws:execute-api:us-east-1:000000000000:api1';
  expect(lines(connectionRights(arn, rest('POST', '/ws/@connections/abc%3D')))).toEqual([
    `execute-api:ManageConnections ${arn}/ws/POST/@connections/abc%3D`,
  ]);
});

it('each entry of PutEvents asks for its bus', () => {
  const Entries = [
    { Source: 'ours', DetailType: 'T' },
    { EventBusName: 'own', Source: 's' },
  ];
  expect(lines(eventRights('PutEvents', json({ Entries }), (name) => `bus/${name}`))).toEqual([
    'events:PutEvents bus/default events:source=ours events:detail-type=T',
    'events:PutEvents bus/own events:source=s events:detail-type=',
  ]);
});
