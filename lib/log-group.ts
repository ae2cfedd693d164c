/**
 * Log groups: always with a retention, always removed with the stack, so that a name can be used
 * again by the next deployment.
 */
import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

export function destroyedLogGroup(
  scope: Construct,
  id: string,
  { name, retention }: { name: string; retention: RetentionDays },
): LogGroup {
  return new LogGroup(scope, id, {
    logGroupName: name,
    retention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
