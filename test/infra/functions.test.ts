import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/functions/names.ts';
import { assemblyOf, ofType, oneOf } from './assembly.ts';
import { allowed, asText, statementsOf } from './statements.ts';

const FUNCTION = 'AWS::Lambda::Function';
const STATE = '<code-interpreter-data:ExportsOutputFnGetAttStateArn>';
const OUTPUT = '<code-interpreter-data:ExportsOutputFnGetAttOutputArn>';
const SEGMENTS = '<code-interpreter-segments>/*';
const TASKS = 'arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*';
const fn = (name: string) =>
  `arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:code-interpreter-${name}`;

const READ_STATE = [
  `dynamodb:Query ${STATE}`,
  `dynamodb:Query ${STATE}/index/gsi1`,
  `dynamodb:Query ${STATE}/index/gsi2`,
];
const USE_STATE = [
  ...['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'].map(
    (action) => `dynamodb:${action} ${STATE}`,
  ),
  ...READ_STATE,
];
const USE_LOG = ['PutItem', 'Query'].map((action) => `dynamodb:${action} ${OUTPUT}`);
const USE_SEGMENTS = [`s3:GetObject ${SEGMENTS}`, `s3:PutObject ${SEGMENTS}`];
const FAILURES = 'sqs:SendMessage <Failures.Arn>';

/** Beside its own log. */
const GRANTS: Readonly<Record<string, readonly string[]>> = {
  Authorizer: [`dynamodb:GetItem ${STATE}`, `dynamodb:DeleteItem ${STATE}`, ...READ_STATE],
  Account: USE_STATE.filter((grant) => !grant.startsWith('dynamodb:DeleteItem')),
  Sandboxes: [
    ...USE_STATE,
    `dynamodb:Query ${OUTPUT}`,
    `ecs:StopTask ${TASKS}`,
    `ecs:DescribeTasks ${TASKS}`,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('pool')}`,
  ],
  Executions: [
    ...USE_STATE,
    ...USE_LOG,
    ...USE_SEGMENTS,
    's3:ListBucket <code-interpreter-segments>',
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
  ],
  Files: [
    `dynamodb:GetItem ${STATE}`,
    ...READ_STATE,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
  ],
  Relay: [
    ...USE_STATE,
    ...USE_LOG,
    ...USE_SEGMENTS,
    's3:ListBucket <code-interpreter-segments>',
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('relay')}`,
    FAILURES,
  ],
  Pool: [
    ...USE_STATE,
    'ecs:RunTask <SandboxDefinition>',
    `ecs:TagResource ${TASKS}`,
    `ecs:StopTask ${TASKS}`,
    'iam:PassRole <SandboxExecutionRole.Arn>',
    `lambda:InvokeFunction ${fn('relay')}`,
    FAILURES,
  ],
  TaskEvents: [
    ...USE_STATE,
    `ecs:StopTask ${TASKS}`,
    `lambda:InvokeFunction ${fn('agent-gateway')}`,
    `lambda:InvokeFunction ${fn('pool')}`,
    FAILURES,
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

  it('the pool launches in its cluster only and passes its role to tasks only', async () => {
    const { service } = await assemblyOf('dev');
    const byAction = (action: string) =>
      statementsOf(service, 'PoolRole').find(({ actions }) => actions.includes(action));
    const cluster = { ArnEquals: { 'ecs:cluster': { 'Fn::GetAtt': ['Cluster', 'Arn'] } } };
    expect(byAction('ecs:RunTask')?.condition).toEqual(cluster);
    expect(byAction('ecs:StopTask')?.condition).toEqual(cluster);
    expect(byAction('ecs:TagResource')?.condition).toEqual({
      StringEquals: { 'ecs:CreateAction': 'RunTask' },
    });
    expect(byAction('iam:PassRole')).toMatchObject({
      resources: ['<SandboxExecutionRole.Arn>'],
      condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    });
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
        `ecs:StopTask ${TASKS}`,
        `ecs:TagResource ${TASKS}`,
        ...USE_SEGMENTS,
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

describe('agent-gateway', () => {
  it('holds what Lambda needs to attach it, and is denied that itself', async () => {
    const { service } = await assemblyOf('dev');
    const [log, attach, deny, ...more] = statementsOf(service, 'AgentGatewayRole');
    expect(more).toEqual([]);
    expect(log?.resources).toEqual(['<AgentGatewayLog.Arn>']);
    expect(attach).toMatchObject({ effect: 'Allow', resources: ['*'] });
    expect(attach?.actions).toEqual([
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ]);
    expect(deny).toMatchObject({ effect: 'Deny', actions: attach!.actions, resources: ['*'] });
    const { ArnEquals } = deny!.condition as { ArnEquals: Record<string, unknown> };
    expect(asText(ArnEquals['lambda:SourceFunctionArn'])).toBe(fn('agent-gateway'));
  });

  it('is the only function in a VPC, and knows nothing of the service', async () => {
    const { service } = await assemblyOf('dev');
    const inside = [...ofType(service, FUNCTION)].filter(([, { VpcConfig }]) => VpcConfig);
    expect(inside.map(([, { FunctionName }]) => FunctionName)).toEqual([
      'code-interpreter-agent-gateway',
    ]);
    expect(inside[0]![1]['Environment']['Variables']).toEqual({
      NODE_OPTIONS: '--enable-source-maps',
    });
    expect(inside[0]![1]['VpcConfig']['SecurityGroupIds'].map(asText)).toEqual([
      '<ClosedGatewayGroup.GroupId>',
    ]);
  });

  it('names its callers in its own policy', async () => {
    const { service } = await assemblyOf('dev');
    const callers = [...ofType(service, 'AWS::Lambda::Permission').values()]
      .filter(({ FunctionName }) => asText(FunctionName).startsWith('<AgentGateway'))
      .map(({ Principal }) => asText(Principal));
    expect(callers.sort()).toEqual([
      '<ExecutionsRole.Arn>',
      '<FilesRole.Arn>',
      '<RelayRole.Arn>',
      '<SandboxesRole.Arn>',
      '<TaskEventsRole.Arn>',
    ]);
  });
});

describe('the functions', () => {
  it('have fixed names, so that those that call each other are no circle', async () => {
    const { service } = await assemblyOf('dev');
    const names = [...ofType(service, FUNCTION).values()].map(({ FunctionName }) =>
      String(FunctionName),
    );
    expect(names.sort()).toEqual(FUNCTION_NAMES.map((name) => `code-interpreter-${name}`).sort());
  });

  it.each([
    ['dev', 'x86_64'],
    ['prod', 'arm64'],
  ] as const)(
    'of %s run on Node 24, %s, and log JSON to a group with an end',
    async (name, cpu) => {
      const { service } = await assemblyOf(name);
      for (const properties of ofType(service, FUNCTION).values())
        expect(properties).toMatchObject({
          Runtime: 'nodejs24.x',
          Architectures: [cpu],
          LoggingConfig: { LogFormat: 'JSON' },
        });
      for (const group of ofType(service, 'AWS::Logs::LogGroup').values())
        expect(group['RetentionInDays']).toBeGreaterThan(0);
    },
  );

  it('last as long as their answers: streams and relays 15 min, buffered ones 29 s', async () => {
    const { service } = await assemblyOf('dev');
    const timeouts = Object.fromEntries(
      [...ofType(service, FUNCTION).values()].map(({ FunctionName, Timeout }) => [
        String(FunctionName).replace('code-interpreter-', ''),
        Timeout,
      ]),
    );
    expect(timeouts).toEqual({
      authorizer: 10,
      account: 29,
      sandboxes: 29,
      executions: 900,
      files: 29,
      relay: 900,
      'agent-gateway': 900,
      pool: 60,
      'task-events': 60,
    });
  });

  it('hold concurrency back in prod only: a new account has too little to share out', async () => {
    const reserved = async (name: 'dev' | 'prod') =>
      [...ofType((await assemblyOf(name)).service, FUNCTION).values()]
        .filter(({ ReservedConcurrentExecutions }) => ReservedConcurrentExecutions !== undefined)
        .map(({ FunctionName }) => String(FunctionName))
        .sort();
    expect(await reserved('dev')).toEqual([]);
    expect(await reserved('prod')).toEqual([
      'code-interpreter-authorizer',
      'code-interpreter-pool',
      'code-interpreter-task-events',
    ]);
  });

  it('are traced in prod only', async () => {
    const traced = async (name: 'dev' | 'prod') =>
      [...ofType((await assemblyOf(name)).service, FUNCTION).values()].filter(
        ({ TracingConfig }) => TracingConfig?.Mode === 'Active',
      ).length;
    expect(await traced('dev')).toBe(0);
    expect(await traced('prod')).toBe(FUNCTION_NAMES.length);
  });
});

describe('events', () => {
  it.each([
    ['Relay', 0, 60],
    ['Pool', 0, 60],
    ['TaskEvents', 2, 300],
  ])(
    'to %s are tried %i times more within %i s, then kept in a queue',
    async (id, retries, age) => {
      const { service } = await assemblyOf('dev');
      const config = oneOf(service, 'AWS::Lambda::EventInvokeConfig', id);
      expect(config).toMatchObject({
        MaximumRetryAttempts: retries,
        MaximumEventAgeInSeconds: age,
      });
      expect(asText(config['DestinationConfig']['OnFailure']['Destination'])).toBe(
        '<Failures.Arn>',
      );
    },
  );

  it('let the relay call itself', async () => {
    const { service } = await assemblyOf('dev');
    const looping = [...ofType(service, FUNCTION).values()]
      .filter(({ RecursiveLoop }) => RecursiveLoop === 'Allow')
      .map(({ FunctionName }) => FunctionName);
    expect(looping).toEqual(['code-interpreter-relay']);
  });

  it('come from changes of our cluster’s tasks and each minute, and are kept when not delivered', async () => {
    const { service } = await assemblyOf('dev');
    const changes = oneOf(service, 'AWS::Events::Rule', 'TaskChanges');
    expect(changes['EventPattern']).toMatchObject({
      source: ['aws.ecs'],
      'detail-type': ['ECS Task State Change'],
      detail: { clusterArn: [{ 'Fn::GetAtt': ['Cluster', 'Arn'] }] },
    });
    const minute = oneOf(service, 'AWS::Events::Rule', 'EveryMinute');
    expect(minute['ScheduleExpression']).toBe('rate(1 minute)');
    for (const rule of [changes, minute])
      expect(asText(rule['Targets'][0]['DeadLetterConfig']['Arn'])).toBe('<Failures.Arn>');
  });
});
