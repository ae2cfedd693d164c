import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/functions/names.ts';
import { assemblyOf, ofType, oneOf } from './assembly.ts';
import { asText, statementsOf } from './statements.ts';

const FUNCTION = 'AWS::Lambda::Function';
const fn = (name: string) =>
  `arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:code-interpreter-${name}`;

/** Of a deployment without a way out for sandboxes. */
const CLOSED = FUNCTION_NAMES.filter((name) => name !== 'agent-gateway-open');

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

  it('is the only function in a VPC, and knows nothing of the service but one host', async () => {
    const { service } = await assemblyOf('dev');
    const inside = [...ofType(service, FUNCTION)].filter(([, { VpcConfig }]) => VpcConfig);
    expect(inside.map(([, { FunctionName }]) => FunctionName)).toEqual([
      'code-interpreter-agent-gateway',
    ]);
    const { TRANSFER_HOST, ...more } = inside[0]![1]['Environment']['Variables'];
    expect(asText(TRANSFER_HOST)).toContain('Transfers');
    expect(more).toEqual({
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
      '<LifecycleStepsRole.Arn>',
      '<PoolRole.Arn>',
      '<RelayRole.Arn>',
      '<SandboxesRole.Arn>',
      '<SocketRole.Arn>',
      '<TaskEventsRole.Arn>',
      '<TransferRole.Arn>',
    ]);
  });
});

describe('the functions', () => {
  it('have fixed names, so that those that call each other are no circle', async () => {
    const { service } = await assemblyOf('dev');
    const names = [...ofType(service, FUNCTION).values()].map(({ FunctionName }) =>
      String(FunctionName),
    );
    expect(names.sort()).toEqual(CLOSED.map((name) => `code-interpreter-${name}`).sort());
  });

  it.each([
    ['dev', 'x86_64'],
    ['arm64', 'arm64'],
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
      socket: 29,
      executions: 900,
      files: 29,
      transfer: 900,
      relay: 900,
      'agent-gateway': 900,
      lifecycle: 60,
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
      'code-interpreter-lifecycle',
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
    expect(await traced('prod')).toBe(CLOSED.length);
  });
});

describe('events', () => {
  it.each([
    ['Relay', 0, 60],
    ['Pool', 0, 60],
    ['Transfer', 0, 60],
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
        `<Failures${id}.Arn>`,
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
      expect(asText(rule['Targets'][0]['DeadLetterConfig']['Arn'])).toBe('<FailuresRules.Arn>');
  });
});
