/** One page for whoever looks: what callers meet, what sandboxes do, what is near its limit. */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { deployedName, FUNCTION_NAMES } from '../functions/names.ts';
import { lifecycleArn } from '../functions/world.ts';
import { metric } from './alarm.ts';
import type { LogMetrics } from './log-metrics.ts';
import type { Watched } from './watched.ts';

const WIDTH = 8;

const graph = (title: string, ...left: cloudwatch.IMetric[]): cloudwatch.GraphWidget =>
  new cloudwatch.GraphWidget({ title, left, width: WIDTH });

export function addDashboard(
  scope: Construct,
  watched: Watched,
  { alarms, logMetrics }: { alarms: cloudwatch.IAlarm[]; logMetrics: LogMetrics },
): void {
  const board = new cloudwatch.Dashboard(scope, 'Dashboard', {
    dashboardName: watched.world.config.stackName,
    defaultInterval: Duration.hours(12),
  });
  board.addWidgets(new cloudwatch.AlarmStatusWidget({ title: 'Alarms', width: 3 * WIDTH, alarms }));
  board.addWidgets(...callers(watched));
  board.addWidgets(...sandboxes(watched, logMetrics));
  board.addWidgets(...functions(watched));
}

function callers({ rest, socket }: Watched): cloudwatch.IWidget[] {
  const onRest = (name: string, statistic?: string) =>
    metric('AWS/ApiGateway', name, { ApiName: rest.apiName, Stage: rest.stage }, statistic);
  const onSocket = (name: string) =>
    metric('AWS/ApiGateway', name, { ApiId: socket.apiId, Stage: socket.stage });
  return [
    graph('REST requests', onRest('Count'), onRest('4XXError'), onRest('5XXError')),
    graph('REST latency, ms', onRest('Latency', 'p50'), onRest('Latency', 'p99')),
    graph('WebSocket', onSocket('ConnectCount'), onSocket('MessageCount')),
  ];
}

function sandboxes({ world }: Watched, logMetrics: LogMetrics): cloudwatch.IWidget[] {
  const ofLives = (name: string) =>
    metric('AWS/States', name, { StateMachineArn: lifecycleArn(world) });
  return [
    graph(
      'Lives of sandboxes',
      ...['ExecutionsStarted', 'ExecutionsSucceeded', 'ExecutionsFailed'].map(ofLives),
    ),
    graph('Running tasks', logMetrics.runningTasks),
    graph('Failed launches', logMetrics.failedLaunches),
  ];
}

function functions({ world }: Watched): cloudwatch.IWidget[] {
  const names = FUNCTION_NAMES.filter((name) => world.openNetwork || name !== 'agent-gateway-open');
  const ofEach = (metricName: string, statistic?: string) =>
    names.map((name) => {
      const FunctionName = deployedName(world.config.stackName, name);
      return metric('AWS/Lambda', metricName, { FunctionName }, statistic).with({ label: name });
    });
  return [
    graph('Errors of functions', ...ofEach('Errors')),
    graph('Duration of functions, ms, p95', ...ofEach('Duration', 'p95')),
    graph('Concurrent executions', ...ofEach('ConcurrentExecutions', 'Maximum')),
  ];
}
