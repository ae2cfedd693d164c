/**
 * Metrics that CloudWatch reads out of lines that functions log: they cost nothing where nothing is
 * logged. A test holds that each line is one that a handler writes.
 */
/* oxlint-disable no-new -- a construct adds itself to its scope */
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { metric } from './alarm.ts';
import type { Watched } from './watched.ts';

interface Line {
  readonly logGroup: LogGroup;
  readonly metricName: string;
  /** In CloudWatch's language, on the JSON of one line. */
  readonly pattern: string;
  /** @default 1 for each line */
  readonly value?: string;
}

export class LogMetrics extends Construct {
  /** Tasks in the cluster, as the minute's run saw them; no data while there are none. */
  readonly runningTasks: Metric;
  /** Tasks that could not be launched, for the pool or for a sandbox of its own. */
  readonly failedLaunches: Metric;
  /** Relays far down a chain of relays that started each other, of runs alone. */
  readonly longRelayChains: Metric;

  constructor(scope: Construct, id: string, { world, functions }: Watched) {
    super(scope, id);
    const namespace = world.config.stackName;
    const { pool, lifecycle, relay } = functions;
    const filter = (name: string, { logGroup, metricName, pattern, value = '1' }: Line) =>
      new MetricFilter(this, name, {
        logGroup,
        metricNamespace: namespace,
        metricName,
        filterPattern: FilterPattern.literal(pattern),
        metricValue: value,
      });
    filter('RunningTasks', {
      logGroup: pool.logGroup,
      metricName: 'RunningTasks',
      pattern: '{ $.message = "looked after tasks" && $.done.running > 0 }',
      value: '$.done.running',
    });
    filter('FailedPoolLaunches', {
      logGroup: pool.logGroup,
      metricName: 'FailedLaunches',
      pattern: '{ $.message = "launch failed" }',
    });
    filter('FailedOwnLaunches', {
      logGroup: lifecycle.logGroup,
      metricName: 'FailedLaunches',
      pattern: '{ $.message = "sandbox ended" && $.reason = "launch_failed" }',
    });
    filter('LongRelayChains', {
      logGroup: relay.logGroup,
      metricName: 'LongRelayChains',
      // A run of 30 minutes needs two relays after its first; a terminal that is read for hours needs many.
      pattern: '{ $.message = "relay ended" && $.hop >= 10 && $.onDemand IS FALSE }',
    });
    this.runningTasks = metric(namespace, 'RunningTasks', {}, 'Maximum');
    this.failedLaunches = metric(namespace, 'FailedLaunches');
    this.longRelayChains = metric(namespace, 'LongRelayChains');
  }
}
