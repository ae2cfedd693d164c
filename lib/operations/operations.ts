/** What an operator gets with the service: alarms, who is told of them, a dashboard, a budget. */
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import { asInterface } from '../as-interface.ts';
import type { AlarmSpec } from './alarm.ts';
import { alarmsOf } from './alarms.ts';
import { addBudget } from './budget.ts';
import { addDashboard } from './dashboard.ts';
import { LogMetrics } from './log-metrics.ts';
import { Notices } from './notices.ts';
import type { Watched } from './watched.ts';

export class Operations extends Construct {
  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    const { config } = watched.world;
    const { alarmEmail: email, monthlyBudgetUsd: monthlyUsd } = config;
    const logMetrics = new LogMetrics(this, 'LogMetrics', watched);
    const alarms = alarmsOf(watched, logMetrics).map((spec) => this.#alarm(spec, config));
    if (email !== undefined) {
      const accountId = watched.stack.account;
      const { topic } = new Notices(this, 'Notices', { email, accountId });
      const action = new SnsAction(topic);
      for (const alarm of alarms) alarm.addAlarmAction(action);
    }
    if (email !== undefined && monthlyUsd !== undefined)
      addBudget(this, { name: config.stackName, monthlyUsd, email });
    const watching = alarms.map((alarm) => asInterface<cloudwatch.IAlarm>(alarm));
    if (config.dashboard) addDashboard(this, watched, { alarms: watching, logMetrics });
  }

  #alarm(
    { name, happened, metric, threshold, below = false, periods = 1 }: AlarmSpec,
    { stackName, runbookUrl }: Watched['world']['config'],
  ): cloudwatch.Alarm {
    const { ComparisonOperator, TreatMissingData } = cloudwatch;
    return new cloudwatch.Alarm(this, name, {
      alarmName: `${stackName}-${name}`,
      alarmDescription: `${happened} What to do: ${runbookUrl}#${name}`,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: below ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
  }
}
