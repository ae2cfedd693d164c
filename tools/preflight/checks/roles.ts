/** Two roles that are the account's, not ours: one that ECS works with, one that API Gateway logs with. */
import * as z from 'zod';
import type { DeployConfig } from '../../../lib/deploy-config.ts';
import { type Aws, Refusal } from '../aws.ts';
import { type Check, fail, ok } from '../check.ts';

export async function checkEcsRole(aws: Aws): Promise<Check> {
  const name = 'ECS service-linked role';
  try {
    await aws.query('iam', 'GetRole', { RoleName: 'AWSServiceRoleForECS' });
    return ok(name, 'AWSServiceRoleForECS is there');
  } catch (error) {
    if (!(error instanceof Refusal) || error.name !== 'NoSuchEntity') throw error;
    return fail(name, {
      text: 'AWSServiceRoleForECS is not there: the first cluster and the first tasks of an account fail without it',
      remedy: 'aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com',
    });
  }
}

const Account = z.object({ cloudwatchRoleArn: z.string().optional() });

export async function checkAccessLogs(aws: Aws, { accessLogs }: DeployConfig): Promise<Check> {
  const name = 'API Gateway log role';
  if (!accessLogs) return ok(name, 'not needed: access logs are off');
  const { cloudwatchRoleArn } = Account.parse(await aws.get('apigateway', '/account'));
  if (cloudwatchRoleArn) return ok(name, cloudwatchRoleArn);
  return fail(name, {
    text: `API Gateway in ${aws.region} has no role to write access logs with, and the stage asks for them`,
    remedy:
      'aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ARN (a role with AmazonAPIGatewayPushToCloudWatchLogs), or deploy with -c accessLogs=false',
  });
}
