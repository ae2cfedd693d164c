/**
 * Every alarm there is, each of which asks somebody to do something. What only informs is on the
 * dashboard. An article in docs/runbook.md stands behind each; a test holds that.
 */
import { ASYNC_FUNCTIONS } from '../functions/failure-queues.ts';
import { lifecycleArn } from '../functions/world.ts';
import { type AlarmSpec, metric, percentOfQuota } from './alarm.ts';
import type { LogMetrics } from './log-metrics.ts';
import type { Watched } from './watched.ts';

/** Of a quota, where a request to raise it should be on its way. */
const NEARLY = 80;

export const alarmsOf = (watched: Watched, logMetrics: LogMetrics): AlarmSpec[] => [
  ...queueAlarms(watched),
  ...apiAlarms(watched),
  ...lifeAlarms(watched, logMetrics),
  ...gatewayAlarms(watched),
  ...quotaAlarms(watched, logMetrics),
  ...tableAlarms(watched),
];

function queueAlarms({ queues }: Watched): AlarmSpec[] {
  const visible = (QueueName: string) =>
    metric('AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName }, 'Maximum');
  return [
    ...ASYNC_FUNCTIONS.map((name) => ({
      name: `${name}-failures`,
      happened: `An event for the function ${name} failed or came too late, and lies in its queue.`,
      metric: visible(queues.ofFunction[name].queueName),
      threshold: 1,
    })),
    {
      name: 'undelivered-events',
      happened: 'EventBridge could not hand an event to a function, and put it in a queue.',
      metric: visible(queues.ofRules.queueName),
      threshold: 1,
    },
  ];
}

const apiAlarms = ({ rest, socket }: Watched): AlarmSpec[] => [
  {
    name: 'api-errors',
    happened: 'The REST API answered at least 5 requests of five minutes with a 5xx status.',
    metric: metric('AWS/ApiGateway', '5XXError', { ApiName: rest.apiName, Stage: rest.stage }),
    threshold: 5,
  },
  {
    name: 'socket-errors',
    happened: 'The function of the WebSocket API failed for at least 5 messages of five minutes.',
    metric: metric('AWS/ApiGateway', 'IntegrationError', {
      ApiId: socket.apiId,
      Stage: socket.stage,
    }),
    threshold: 5,
  },
];

const lifeAlarms = (
  { world, functions }: Watched,
  { failedLaunches, longRelayChains }: LogMetrics,
): AlarmSpec[] => [
  {
    name: 'lifecycle-failures',
    happened: "A sandbox's lifecycle failed: its end could not be carried out after nine tries.",
    metric: metric('AWS/States', 'ExecutionsFailed', { StateMachineArn: lifecycleArn(world) }),
    threshold: 1,
  },
  {
    name: 'minute-run-missing',
    happened: "The pool's run of each minute did not happen for fifteen minutes.",
    metric: metric('AWS/Lambda', 'Invocations', {
      FunctionName: functions.pool.function.functionName,
    }),
    threshold: 1,
    below: true,
    periods: 3,
  },
  {
    name: 'failed-launches',
    happened: 'At least 3 tasks of five minutes could not be launched.',
    metric: failedLaunches,
    threshold: 3,
  },
  {
    name: 'long-relay-chains',
    happened: 'Relays of one run started each other ten times; it needs two.',
    metric: longRelayChains,
    threshold: 1,
  },
];

const gatewayAlarms = ({ gateways }: Watched): AlarmSpec[] =>
  gateways.map(({ name, function: { functionName } }) => ({
    name: `${name}-errors`,
    happened: `The function ${name} failed at least 10 times in five minutes: sandboxes of its network may be out of reach.`,
    metric: metric('AWS/Lambda', 'Errors', { FunctionName: functionName }),
    threshold: 10,
  }));

/** Metrics of the whole account in this Region: a neighbour's use counts too. */
const quotaAlarms = (
  { world: { config, dnsRuleGroupId } }: Watched,
  { runningTasks }: LogMetrics,
): AlarmSpec[] => [
  {
    name: 'function-throttles',
    happened: 'Lambda refused calls in this account and Region for want of concurrency.',
    metric: metric('AWS/Lambda', 'Throttles'),
    threshold: 1,
  },
  {
    name: 'function-concurrency',
    happened: `Functions of this account and Region used ${NEARLY} % of the concurrency that it has.`,
    metric: percentOfQuota(
      metric('AWS/Lambda', 'ClaimedAccountConcurrency', {}, 'Maximum'),
      metric('AWS/Lambda', 'ConcurrentExecutions', {}, 'Maximum'),
    ),
    threshold: NEARLY,
  },
  {
    name: 'fargate-vcpus',
    happened: `Tasks of this account and Region used ${NEARLY} % of its Fargate vCPUs.`,
    metric: percentOfQuota(
      metric(
        'AWS/Usage',
        'ResourceCount',
        { Service: 'Fargate', Type: 'Resource', Resource: 'vCPU', Class: 'Standard/OnDemand' },
        'Maximum',
      ),
    ),
    threshold: NEARLY,
  },
  {
    name: 'running-tasks',
    happened: `${NEARLY} % of the ${config.maxRunningTasks} tasks that this deployment allows were running.`,
    metric: runningTasks,
    threshold: Math.ceil((config.maxRunningTasks * NEARLY) / 100),
  },
  {
    name: 'dns-queries',
    happened: 'Sandboxes asked for at least 10,000 names in five minutes.',
    metric: metric('AWS/Route53Resolver', 'FirewallRuleGroupQueryVolume', {
      FirewallRuleGroupId: dnsRuleGroupId,
    }),
    threshold: 10_000,
  },
];

const tableAlarms = ({ world }: Watched): AlarmSpec[] =>
  (['state', 'output'] as const).map((table) => ({
    name: `${table}-throttles`,
    happened: `DynamoDB refused at least 10 writes to the table ${table} in five minutes.`,
    metric: metric('AWS/DynamoDB', 'WriteThrottleEvents', { TableName: world[table].tableName }),
    threshold: 10,
  }));
