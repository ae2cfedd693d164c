import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ASYNC_FUNCTIONS } from '../../lib/functions/failure-queues.ts';
import { ROOT } from '../../local/cli/build/paths.ts';
import { assemblyOf, DEPLOYMENT_NAMES, type DeploymentName, ofType, oneOf } from './assembly.ts';
import { asText } from './statements.ts';

const ALARM = 'AWS::CloudWatch::Alarm';
const PREFIX = 'code-interpreter-';

async function alarmsOf(name: DeploymentName) {
  const { service } = await assemblyOf(name);
  return [...ofType(service, ALARM).values()].map((alarm) => ({
    name: String(alarm['AlarmName']).replace(PREFIX, ''),
    properties: alarm,
  }));
}

async function articles(): Promise<string[]> {
  const text = await readFile(join(ROOT, 'docs/runbook.md'), 'utf8');
  return [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title!);
}

describe('an alarm', () => {
  it('has an article in the runbook, and every article has its alarm', async () => {
    // A network more has a gateway more: together these have every alarm there is.
    const [least, most] = [await alarmsOf('prod'), await alarmsOf('internet')];
    const names = new Set([...least, ...most].map(({ name }) => name));
    expect((await articles()).sort()).toEqual([...names].sort());
  });

  it.each(DEPLOYMENT_NAMES)('of %s says what happened and where it is explained', async (name) => {
    for (const { name: alarm, properties } of await alarmsOf(name)) {
      expect(asText(properties['AlarmDescription'])).toMatch(
        new RegExp(`^[A-Z\\d].{20,}\\. What to do: docs/runbook\\.md#${alarm}$`),
      );
    }
  });

  it('tells whom the deployment names, and nobody where it names nobody', async () => {
    for (const { properties } of await alarmsOf('dev'))
      expect(properties).not.toHaveProperty('AlarmActions');
    const { service } = await assemblyOf('internet');
    for (const { properties } of await alarmsOf('internet'))
      expect(properties['AlarmActions'].map(asText)).toEqual(['<OperationsNoticesTopic>']);
    expect(ofType((await assemblyOf('dev')).service, 'AWS::SNS::Topic').size).toBe(0);
    const [subscription] = ofType(service, 'AWS::SNS::Subscription').values();
    expect(subscription).toMatchObject({ Protocol: 'email', Endpoint: 'ops@example.com' });
  });

  it('may publish: the policy of TLS alone would have taken that away', async () => {
    const { service } = await assemblyOf('internet');
    const policy = oneOf(service, 'AWS::SNS::TopicPolicy', 'OperationsNotices');
    expect(policy['PolicyDocument']['Statement']).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    );
  });

  it('is silent while nothing happens, but for the one that waits for the minute’s run', async () => {
    const loud = (await alarmsOf('prod')).filter(
      ({ properties }) => properties['TreatMissingData'] !== 'notBreaching',
    );
    expect(loud.map(({ name }) => name)).toEqual(['minute-run-missing']);
  });

  it.each(ASYNC_FUNCTIONS)('watches the queue of what %s gave up', async (name) => {
    const alarm = (await alarmsOf('dev')).find((each) => each.name === `${name}-failures`);
    const { MetricName, Dimensions } = alarm!.properties;
    expect(MetricName).toBe('ApproximateNumberOfMessagesVisible');
    const id = name === 'task-events' ? 'TaskEvents' : name[0]!.toUpperCase() + name.slice(1);
    expect(asText(Dimensions[0].Value)).toBe(`<Failures${id}.QueueName>`);
  });

  it('reads quotas from the account: Lambda’s concurrency and Fargate’s vCPUs, at 80 %', async () => {
    const ofQuotas = (await alarmsOf('dev')).filter(({ properties }) =>
      JSON.stringify(properties).includes('SERVICE_QUOTA'),
    );
    expect(ofQuotas.map(({ name }) => name).sort()).toEqual([
      'fargate-vcpus',
      'function-concurrency',
    ]);
    for (const { properties } of ofQuotas) expect(properties['Threshold']).toBe(80);
  });

  it('rings at 80 % of the tasks that the deployment allows', async () => {
    const alarm = (await alarmsOf('prod')).find(({ name }) => name === 'running-tasks');
    expect(alarm!.properties['Threshold']).toBe(160);
  });

  it('and what lives may fill all of them that no pool keeps', async () => {
    const { service } = await assemblyOf('prod');
    const { Variables } = oneOf(service, 'AWS::Lambda::Function', 'SandboxesFunction')[
      'Environment'
    ];
    expect(Variables['MAX_LIVE_SANDBOXES_OF_ALL']).toBe('199');
  });

  it('counts the queries of the DNS firewall, which cost money and may be a way out', async () => {
    const alarm = (await alarmsOf('dev')).find(({ name }) => name === 'dns-queries');
    expect(alarm!.properties).toMatchObject({
      Namespace: 'AWS/Route53Resolver',
      MetricName: 'FirewallRuleGroupQueryVolume',
    });
  });
});

describe('a metric of the logs', () => {
  it('reads lines that a handler writes', async () => {
    const { service } = await assemblyOf('dev');
    const filters = [...ofType(service, 'AWS::Logs::MetricFilter').values()];
    const messages = filters.map(
      ({ FilterPattern }) => /\$\.message = "([^"]+)"/.exec(FilterPattern)![1]!,
    );
    const handlers = (await readdir(join(ROOT, 'lambdas'))).filter((name) => name !== 'shared');
    const written = await Promise.all(
      handlers.map((name) => readFile(join(ROOT, 'lambdas', name, 'handler.ts'), 'utf8')),
    );
    const lines = written.join('\n').replaceAll(/\$\{name\}/g, 'tasks');
    expect(filters).toHaveLength(4);
    for (const message of messages) expect(lines).toMatch(new RegExp(`['"\`]${message}['"\`]`));
  });

  it('counts long chains of relays for runs alone: a terminal may be read for hours', async () => {
    const { service } = await assemblyOf('dev');
    const patterns = [...ofType(service, 'AWS::Logs::MetricFilter').values()].map(
      ({ FilterPattern }) => String(FilterPattern),
    );
    const chains = patterns.filter((pattern) => pattern.includes('$.hop'));
    expect(chains).toEqual([expect.stringContaining('&& $.onDemand IS FALSE')]);
  });
});

describe('a budget', () => {
  it('tells of 80 % spent and 100 % forecast, where an amount is set', async () => {
    const budgets = async (name: DeploymentName) => [
      ...ofType((await assemblyOf(name)).service, 'AWS::Budgets::Budget').values(),
    ];
    expect(await budgets('prod')).toEqual([]);
    const [budget] = await budgets('internet');
    expect(budget!['Budget']).toMatchObject({
      BudgetType: 'COST',
      TimeUnit: 'MONTHLY',
      BudgetLimit: { Amount: 50, Unit: 'USD' },
    });
    const subscribers = [{ SubscriptionType: 'EMAIL', Address: 'ops@example.com' }];
    const told = (NotificationType: string, Threshold: number) =>
      expect.objectContaining({
        Notification: expect.objectContaining({ NotificationType, Threshold }),
        Subscribers: subscribers,
      });
    expect(budget!['NotificationsWithSubscribers']).toEqual([
      told('ACTUAL', 80),
      told('FORECASTED', 100),
    ]);
  });
});

describe('the dashboard', () => {
  it('is deployed in prod, where its three dollars a month are worth it, and shows every alarm', async () => {
    const boards = async (name: DeploymentName) => [
      ...ofType((await assemblyOf(name)).service, 'AWS::CloudWatch::Dashboard').values(),
    ];
    expect(await boards('dev')).toEqual([]);
    const [board] = await boards('prod');
    const body = asText(board!['DashboardBody']);
    const { widgets } = JSON.parse(body) as { widgets: { properties: { alarms?: string[] } }[] };
    expect(widgets[0]!.properties.alarms).toHaveLength((await alarmsOf('prod')).length);
  });
});
