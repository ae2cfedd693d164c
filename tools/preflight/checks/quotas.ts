/** What the account may run at once: tasks, functions, networks. New accounts have little of each. */
import * as z from 'zod';
import type { DeployConfig } from '../../../lib/deploy-config.ts';
import { type Aws, Refusal } from '../aws.ts';
import { type Check, fail, ok, warn } from '../check.ts';

/** Of the default size. */
const TASK_VCPU = 1;
/** The functions' reserved concurrency in `prod` together; a test holds it against the template. */
export const RESERVED_IN_PROD = 190;
/** Lambda keeps so many for all functions that reserve none. */
const UNRESERVED_LEAST = 100;
/** Below this a handful of running executions, each of which holds two or three, uses all. */
const CONCURRENCY_FEW = 100;

const Quota = z.object({ Quota: z.object({ Value: z.number() }) });

/** The applied one; where none was ever applied, AWS's default. */
async function quota(aws: Aws, ServiceCode: string, QuotaCode: string): Promise<number> {
  const ask = (action: string) =>
    aws.json('servicequotas', `ServiceQuotasV20190624.${action}`, { ServiceCode, QuotaCode });
  try {
    return Quota.parse(await ask('GetServiceQuota')).Quota.Value;
  } catch (error) {
    if (!(error instanceof Refusal) || error.name !== 'NoSuchResourceException') throw error;
    return Quota.parse(await ask('GetAWSDefaultServiceQuota')).Quota.Value;
  }
}

const raise = (aws: Aws, service: string, code: string, value: number): string =>
  `aws service-quotas request-service-quota-increase --region ${aws.region} --service-code ${service} --quota-code ${code} --desired-value ${value}`;

export async function checkFargate(aws: Aws, config: DeployConfig): Promise<Check> {
  const name = 'Fargate vCPU';
  const has = await quota(aws, 'fargate', 'L-3032A538');
  const warm = config.poolTarget + config.openPoolTarget;
  const wanted = Math.min(config.maxRunningTasks, warm + config.maxLiveSandboxes) * TASK_VCPU;
  const remedy = raise(aws, 'fargate', 'L-3032A538', wanted);
  if (has < (warm + 1) * TASK_VCPU)
    return fail(name, {
      text: `${has} at once, and ${warm} tasks are kept warm: no sandbox of one vCPU fits beside them`,
      remedy,
    });
  if (has < wanted)
    return warn(name, {
      text: `${has} at once: fewer than the ${config.maxLiveSandboxes} sandboxes that one tenant may have, with ${warm} kept warm`,
      remedy,
    });
  return ok(name, `${has} at once`);
}

const Settings = z.object({
  AccountLimit: z.object({
    ConcurrentExecutions: z.number(),
    UnreservedConcurrentExecutions: z.number(),
  }),
});

export async function checkLambda(
  aws: Aws,
  { profile }: DeployConfig,
  isUpdate: boolean,
): Promise<Check> {
  const name = 'Lambda concurrency';
  const told = await aws.get('lambda', '/2016-08-19/account-settings');
  const { ConcurrentExecutions: all, UnreservedConcurrentExecutions: free } =
    Settings.parse(told).AccountLimit;
  const text = `${all} at once, ${free} of them unreserved`;
  const remedy = raise(aws, 'lambda', 'L-B99A9384', 1_000);
  if (profile === 'prod' && free - RESERVED_IN_PROD < UNRESERVED_LEAST) {
    const few = `${text}; prod reserves ${RESERVED_IN_PROD}, and Lambda keeps ${UNRESERVED_LEAST} unreserved`;
    // A deployment that is there may have reserved its own already, and may not, as one of dev.
    if (isUpdate)
      return warn(name, { text: `${few}: enough only if it is deployed as prod already`, remedy });
    return fail(name, { text: few, remedy });
  }
  if (all < CONCURRENCY_FEW)
    return warn(name, {
      text: `${text}: about ${Math.max(1, Math.floor(all / 3))} executions can run at the same time`,
      remedy,
    });
  return ok(name, text);
}

export async function checkNetworks(
  aws: Aws,
  { internet }: DeployConfig,
  isUpdate: boolean,
): Promise<Check> {
  const name = 'VPCs';
  const [xml, may] = await Promise.all([
    aws.query('ec2', 'DescribeVpcs'),
    quota(aws, 'vpc', 'L-F678F1CE'),
  ]);
  const has = xml.match(/<vpcId>/g)?.length ?? 0;
  // A deployment that is there has the closed one, and may not have the open one.
  const needs = (isUpdate ? 0 : 1) + (internet ? 1 : 0);
  const used = `${has} of ${may} are used`;
  if (has + needs <= may) return ok(name, `${used}, ${needs} more needed`);
  const remedy = raise(aws, 'vpc', 'L-F678F1CE', has + needs);
  if (isUpdate)
    return warn(name, {
      text: `${used}, and ${needs} more needed unless it is deployed with internet already`,
      remedy,
    });
  return fail(name, { text: `${used}, and ${needs} more needed`, remedy });
}
