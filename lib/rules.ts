/** What starts a function besides a caller: changes of tasks, the minute's and the day's run of the pool. */
/* oxlint-disable no-new -- a construct adds itself to its scope */
import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface Rules {
  readonly clusterArn: string;
  readonly taskEvents: IFunction;
  readonly pool: IFunction;
  /** Where an event goes that could not be delivered. */
  readonly failures: IQueue;
}

export function addRules(scope: Construct, rules: Rules): void {
  new events.Rule(scope, 'TaskChanges', {
    description: 'Tasks of the sandboxes that began to run or stopped',
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change'],
      detail: { clusterArn: [rules.clusterArn], lastStatus: ['RUNNING', 'STOPPED'] },
    },
    targets: [
      new targets.LambdaFunction(rules.taskEvents, {
        deadLetterQueue: rules.failures,
        retryAttempts: 3,
        maxEventAge: Duration.minutes(5),
      }),
    ],
  });
  new events.Rule(scope, 'EveryMinute', {
    description: 'The run of the pool that repairs what events missed',
    schedule: events.Schedule.rate(Duration.minutes(1)),
    targets: [
      new targets.LambdaFunction(rules.pool, {
        deadLetterQueue: rules.failures,
        event: events.RuleTargetInput.fromObject({ task: 'minute' }),
        retryAttempts: 0,
        maxEventAge: Duration.minutes(1),
      }),
    ],
  });
  new events.Rule(scope, 'EveryDay', {
    description: 'Keeps the functions inside networks awake',
    schedule: events.Schedule.rate(Duration.days(1)),
    targets: [
      new targets.LambdaFunction(rules.pool, {
        deadLetterQueue: rules.failures,
        event: events.RuleTargetInput.fromObject({ task: 'daily' }),
        retryAttempts: 2,
        maxEventAge: Duration.hours(1),
      }),
    ],
  });
}
