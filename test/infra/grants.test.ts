/** What each function may do: the whole list, so that a new right is seen. */
import { describe, expect, it } from 'vitest';
import { decide } from '../../local/services/iam/decision.ts';
import { readPolicy } from '../../local/services/iam/policy.ts';
import { type Item, stateItems } from '../helpers/state-items.ts';
import { assemblyOf, ofType } from './assembly.ts';
import { allowed, statementsOf } from './statements.ts';

const STATE = '<code-interpreter-data:ExportsOutputFnGetAttStateArn>';
const OUTPUT = '<code-interpreter-data:ExportsOutputFnGetAttOutputArn>';
const SEGMENTS = '<code-interpreter-segments>/*';
const TASKS = 'arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*';
const fn = (name: string) =>
  `arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:code-interpreter-${name}`;

const MACHINE =
  'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:code-interpreter-lifecycle';
const START_LIVES = `states:StartExecution ${MACHINE}`;
const TELL_STEPS = `states:SendTaskSuccess ${MACHINE}`;
const LAUNCH = ['ecs:RunTask <SandboxDefinition>', 'iam:PassRole <SandboxExecutionRole.Arn>'];
const PUT_EVENTS =
  'events:PutEvents arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default';

const items = (...actions: string[]) => actions.map((action) => `dynamodb:${action} ${STATE}`);
const WRITES = ['DeleteItem', 'PutItem', 'UpdateItem'];
const ALL_ITEMS = items('DeleteItem', 'GetItem', 'PutItem', 'UpdateItem');
const QUERY_TABLE = `dynamodb:Query ${STATE}`;
const QUERY_GSI1 = `dynamodb:Query ${STATE}/index/gsi1`;
const QUERY_GSI2 = `dynamodb:Query ${STATE}/index/gsi2`;
const USE_LOG = ['PutItem', 'Query'].map((action) => `dynamodb:${action} ${OUTPUT}`);
const USE_SEGMENTS = [`s3:GetObject ${SEGMENTS}`, `s3:PutObject ${SEGMENTS}`];
const USE_TRANSFERS = ['GetObject', 'PutObject'].map(
  (action) => `s3:${action} <code-interpreter-transfers>/*`,
);
const POSTS =
  'execute-api:ManageConnections arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<WebSocketApi>/ws/POST/@connections/*';
const failuresOf = (id: string) => `sqs:SendMessage <Failures${id}.Arn>`;

/** Beside its own log. */
const GRANTS: Readonly<Record<string, readonly string[]>> = {
  Authorizer: items('GetItem', 'DeleteItem'),
  Account: [...items('DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'), QUERY_TABLE, QUERY_GSI1],
  Sandboxes: [
    ...ALL_ITEMS,
    QUERY_TABLE,
    QUERY_GSI1,
    `dynamodb:Query ${OUTPUT}`,
    `ecs:StopTask ${TASKS}`,
    `ecs:DescribeTasks ${TASKS}`,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('pool')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
    START_LIVES,
    TELL_STEPS,
  ],
  Executions: [
    ...ALL_ITEMS,
    QUERY_TABLE,
    QUERY_GSI1,
    ...USE_LOG,
    ...USE_SEGMENTS,
    POSTS,
    's3:ListBucket <code-interpreter-segments>',
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
    `lambda:InvokeFunction ${fn('pool')}`,
    START_LIVES,
    TELL_STEPS,
    `ecs:StopTask ${TASKS}`,
  ],
  Files: [
    ...items('GetItem', 'PutItem', 'UpdateItem'),
    ...USE_TRANSFERS,
    's3:ListBucket <code-interpreter-transfers>',
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('transfer')}`,
  ],
  Transfer: [
    ...items('GetItem', 'UpdateItem'),
    ...USE_TRANSFERS,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    failuresOf('Transfer'),
  ],
  Relay: [
    ...ALL_ITEMS,
    QUERY_TABLE,
    QUERY_GSI1,
    ...USE_LOG,
    ...USE_SEGMENTS,
    POSTS,
    's3:ListBucket <code-interpreter-segments>',
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
    failuresOf('Relay'),
  ],
  Socket: [
    ...ALL_ITEMS,
    QUERY_TABLE,
    QUERY_GSI1,
    `dynamodb:Query ${OUTPUT}`,
    `s3:GetObject ${SEGMENTS}`,
    's3:ListBucket <code-interpreter-segments>',
    POSTS,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
  ],
  Pool: [
    ...ALL_ITEMS,
    QUERY_TABLE,
    QUERY_GSI1,
    QUERY_GSI2,
    ...LAUNCH,
    `ecs:StopTask ${TASKS}`,
    'ecs:ListTasks *',
    `ecs:DescribeTasks ${TASKS}`,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
    START_LIVES,
    TELL_STEPS,
    PUT_EVENTS,
    failuresOf('Pool'),
  ],
  TaskEvents: [
    ...items('DeleteItem', 'GetItem', 'UpdateItem'),
    `ecs:StopTask ${TASKS}`,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('pool')}`,
    TELL_STEPS,
    failuresOf('TaskEvents'),
  ],
  LifecycleSteps: [
    ...ALL_ITEMS,
    QUERY_GSI1,
    ...LAUNCH,
    `ecs:StopTask ${TASKS}`,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
    TELL_STEPS,
    `states:SendTaskFailure ${MACHINE}`,
    PUT_EVENTS,
  ],
};

describe('what a function may do', () => {
  it.each(Object.keys(GRANTS))('%s: exactly what is written here', async (id) => {
    const { service } = await assemblyOf('dev');
    const log = [`logs:CreateLogStream <${id}Log.Arn>`, `logs:PutLogEvents <${id}Log.Arn>`];
    expect(allowed(service, `${id}Role`)).toEqual([...GRANTS[id]!, ...log].sort());
  });

  it('the authorizer removes tickets, and nothing else', async () => {
    const { service } = await assemblyOf('dev');
    const removal = statementsOf(service, 'AuthorizerRole').find(({ actions }) =>
      actions.includes('dynamodb:DeleteItem'),
    );
    expect(removal?.condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': '$ci#ticket_*' },
    });
  });

  describe.each(Object.keys(GRANTS))('%s', (id) => {
    const mayWrite = async ({ pk }: Item) => {
      const { service } = await assemblyOf('dev');
      const statements = statementsOf(service, `${id}Role`);
      const policy = readPolicy(id, {
        Statement: statements.map(({ effect, actions, resources, condition }) => ({
          Effect: effect,
          Action: actions,
          Resource: resources,
          Condition: condition,
        })),
      });
      return WRITES.filter(
        (action) =>
          decide({
            caller: { kind: 'AWS', id },
            right: { action: `dynamodb:${action}`, resource: STATE },
            context: new Map([['dynamodb:leadingkeys', [pk]]]),
            identityPolicies: [policy],
            resourcePolicies: [],
          }).allowed,
      );
    };
    const isAccount = id === 'Account';
    const { whoIsWho, others } = stateItems();

    const writesOf = async (kinds: Readonly<Record<string, Item>>) =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(kinds).map(async ([name, item]) => [name, await mayWrite(item)] as const),
        ),
      );
    const all = (kinds: Readonly<Record<string, Item>>, actions: readonly string[]) =>
      Object.fromEntries(Object.keys(kinds).map((name) => [name, actions]));

    it(isAccount ? 'says who is who' : 'says of nobody who they are', async () => {
      const expected = all(whoIsWho, isAccount ? WRITES : []);
      if (id === 'Authorizer') expected['ticket'] = ['DeleteItem'];
      expect(await writesOf(whoIsWho)).toEqual(expected);
    });

    it('is not kept from other items by that', async () => {
      const granted = WRITES.filter((action) =>
        GRANTS[id]?.includes(`dynamodb:${action} ${STATE}`),
      );
      expect(await writesOf(others)).toEqual(all(others, id === 'Authorizer' ? [] : granted));
    });
  });

  it.each(['PoolRole', 'LifecycleStepsRole'])(
    '%s launches in its cluster only and passes its role to tasks only',
    async (role) => {
      const { service } = await assemblyOf('dev');
      const byAction = (action: string) =>
        statementsOf(service, role).find(({ actions }) => actions.includes(action));
      const cluster = { ArnEquals: { 'ecs:cluster': { 'Fn::GetAtt': ['Cluster', 'Arn'] } } };
      expect(byAction('ecs:RunTask')?.condition).toEqual(cluster);
      expect(byAction('ecs:StopTask')?.condition).toEqual(cluster);
      expect(byAction('iam:PassRole')).toMatchObject({
        resources: ['<SandboxExecutionRole.Arn>'],
        condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      });
    },
  );

  it('the pool sees the tasks of its cluster only, where AWS takes no task as the resource', async () => {
    const { service } = await assemblyOf('dev');
    const list = statementsOf(service, 'PoolRole').find(({ actions }) =>
      actions.includes('ecs:ListTasks'),
    );
    const cluster = { ArnEquals: { 'ecs:cluster': { 'Fn::GetAtt': ['Cluster', 'Arn'] } } };
    expect(list).toMatchObject({ actions: ['ecs:ListTasks'], condition: cluster });
  });

  it('has a wildcard only where AWS takes no narrower resource', async () => {
    const { service } = await assemblyOf('prod');
    const wild = statementsOf(service)
      .filter(({ effect }) => effect === 'Allow')
      .flatMap(({ actions, resources }) =>
        resources
          .filter((resource) => resource.includes('*'))
          .flatMap((resource) => actions.map((action) => `${action} ${resource}`)),
      );
    expect([...new Set(wild)].sort()).toEqual(
      [
        'ec2:AssignPrivateIpAddresses *',
        'ec2:CreateNetworkInterface *',
        'ec2:DeleteNetworkInterface *',
        'ec2:DescribeNetworkInterfaces *',
        'ec2:DescribeSubnets *',
        'ec2:UnassignPrivateIpAddresses *',
        'ecr:GetAuthorizationToken *',
        `ecs:DescribeTasks ${TASKS}`,
        'ecs:ListTasks *',
        `ecs:StopTask ${TASKS}`,
        ...USE_SEGMENTS,
        ...USE_TRANSFERS,
        POSTS,
        'logs:CreateLogDelivery *',
        'logs:DeleteLogDelivery *',
        'logs:DescribeLogGroups *',
        'logs:DescribeResourcePolicies *',
        'logs:GetLogDelivery *',
        'logs:ListLogDeliveries *',
        'logs:PutResourcePolicy *',
        'logs:UpdateLogDelivery *',
        'xray:GetSamplingRules *',
        'xray:GetSamplingTargets *',
        'xray:PutTelemetryRecords *',
        'xray:PutTraceSegments *',
      ].sort(),
    );
    const actions = statementsOf(service).flatMap((statement) => statement.actions);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  it('comes from no managed policy', async () => {
    const { service } = await assemblyOf('prod');
    for (const role of ofType(service, 'AWS::IAM::Role').values())
      expect(role).not.toHaveProperty('ManagedPolicyArns');
  });
});
