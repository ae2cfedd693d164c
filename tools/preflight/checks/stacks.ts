/** Stacks that are there under the deployment's names, and whether they can be deployed over. */
import type { DeployConfig } from '../../../lib/deploy-config.ts';
import { type Aws, Refusal, valueOf } from '../aws.ts';
import { type Check, fail, ok, warn } from '../check.ts';

export interface FoundStack {
  readonly name: string;
  /** Undefined where there is none. */
  readonly status: string | undefined;
}

export const findStacks = (aws: Aws, { stackName }: DeployConfig): Promise<FoundStack[]> =>
  Promise.all(
    [`${stackName}-data`, stackName].map(async (name) => ({
      name,
      status: await statusOf(aws, name),
    })),
  );

async function statusOf(aws: Aws, StackName: string): Promise<string | undefined> {
  try {
    return valueOf(
      await aws.query('cloudformation', 'DescribeStacks', { StackName }),
      'StackStatus',
    );
  } catch (error) {
    // CloudFormation has no code of its own for this.
    if (error instanceof Refusal && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** Whether what the service needs of the account's room is taken by it already. */
export const isDeployed = (stacks: readonly FoundStack[], { stackName }: DeployConfig): boolean =>
  stacks.some(
    ({ name, status }) =>
      name === stackName &&
      status !== undefined &&
      !/^(ROLLBACK_|REVIEW_IN_PROGRESS|DELETE_)/.test(status),
  );

export function checkStack(aws: Aws, { name, status }: FoundStack): Check {
  const title = `stack ${name}`;
  if (status === undefined) return ok(title, 'not there yet: it will be made');
  if (status === 'REVIEW_IN_PROGRESS')
    return ok(title, `${status}: it has a change set that nobody carried out, and will be made`);
  if (status.endsWith('_IN_PROGRESS')) {
    const does = status.startsWith('DELETE_') ? 'deletes' : 'deploys';
    return fail(title, { text: `${status}: somebody ${does} it now`, remedy: 'wait for its end' });
  }
  // The CDK deletes such a stack by itself; after ROLLBACK_FAILED that may fail again.
  if (status === 'ROLLBACK_COMPLETE' || status === 'ROLLBACK_FAILED')
    return warn(title, {
      text: `${status}: its first deploy failed; the next one deletes it and makes it anew`,
      remedy: `where it cannot: aws cloudformation delete-stack --region ${aws.region} --stack-name ${name}`,
    });
  if (status.endsWith('_FAILED'))
    return fail(title, {
      text: `${status}: see its events`,
      remedy: `aws cloudformation describe-stack-events --region ${aws.region} --stack-name ${name}`,
    });
  return ok(title, `${status}: it will be updated`);
}
