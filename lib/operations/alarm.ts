/**
 * What an alarm of ours is: its name, what happened in a sentence, its metric and bound. Its name is
 * the anchor of its article in docs/runbook.md; its description says both, for whoever is woken.
 */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

export interface AlarmSpec {
  /** `relay-failures`: of the alarm, behind the stack's name, and of its article. */
  readonly name: string;
  /** One sentence, past tense. */
  readonly happened: string;
  readonly metric: cloudwatch.IMetric;
  /** Rings at this value and above, unless `below`. */
  readonly threshold: number;
  /** Rings below the threshold, and where there is no data at all. */
  readonly below?: boolean;
  /** Periods in a row. @default 1 */
  readonly periods?: number;
}

const FIVE_MINUTES = Duration.minutes(5);

/** The sum of five minutes; another statistic where one is named. */
export const metric = (
  namespace: string,
  metricName: string,
  dimensionsMap: Readonly<Record<string, string>> = {},
  statistic: string = cloudwatch.Stats.SUM,
): cloudwatch.Metric =>
  new cloudwatch.Metric({ namespace, metricName, dimensionsMap, statistic, period: FIVE_MINUTES });

/** In percent of the account's quota, which CloudWatch looks up: it is not written here. */
export const percentOfQuota = (
  used: cloudwatch.Metric,
  quotaOf?: cloudwatch.Metric,
): cloudwatch.MathExpression =>
  new cloudwatch.MathExpression({
    expression: `100 * used / SERVICE_QUOTA(${quotaOf ? 'quota' : 'used'})`,
    usingMetrics: quotaOf ? { used, quota: quotaOf } : { used },
    label: '% of the quota',
    period: FIVE_MINUTES,
  });
