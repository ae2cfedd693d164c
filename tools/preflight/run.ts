/**
 * All checks, in the order in which a first deploy would meet what they look at. A read that is
 * refused is a line of its own and keeps no other check from its work.
 */
import type { DeployConfig } from '../../lib/deploy-config.ts';
import { awsProblem } from '../shared/aws-problems.ts';
import { Aws, Refusal, valueOf } from './aws.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { checkBootstrap } from './checks/bootstrap.ts';
import { checkContainerEngine } from './checks/container-engine.ts';
import { checkFargate, checkLambda, checkNetworks } from './checks/quotas.ts';
import { checkAccessLogs, checkEcsRole } from './checks/roles.ts';
import { checkStack, findStacks, isDeployed } from './checks/stacks.ts';

export interface Wanted {
  readonly config: DeployConfig;
  readonly region: string | undefined;
  readonly profile: string | undefined;
}

export async function runChecks(wanted: Wanted): Promise<Check[]> {
  const { config } = wanted;
  const [engine, account] = await Promise.all([checkContainerEngine(config), findAccount(wanted)]);
  const settings = ok(
    'settings',
    `profile ${config.profile}, ${config.architecture}, internet ${config.internet ? 'on' : 'off'}, ${config.poolTarget} kept warm`,
  );
  if ('state' in account) return [settings, engine, account];
  return [settings, engine, ...(await checkAccount(account, config))];
}

interface Account {
  readonly aws: Aws;
  readonly id: string;
  readonly arn: string;
}

/** Who asks, where; else the check that says why nothing more can be seen. */
async function findAccount({ region, profile }: Wanted): Promise<Account | Check> {
  const name = 'credentials';
  try {
    const aws = await Aws.open({ region, profile });
    const xml = await aws.query('sts', 'GetCallerIdentity');
    return { aws, id: valueOf(xml, 'Account') ?? 'unknown', arn: valueOf(xml, 'Arn') ?? 'unknown' };
  } catch (error) {
    const problem = awsProblem(error, { service: 'sts', region, profile });
    if (!problem) throw error;
    return fail(name, {
      text: problem.message,
      remedy: 'then run this again: the rest needs credentials',
    });
  }
}

async function checkAccount({ aws, id, arn }: Account, config: DeployConfig): Promise<Check[]> {
  const who = arn.endsWith(':root')
    ? warn('credentials', {
        text: `${arn} is the root user`,
        remedy: 'deploy with a role of its own',
      })
    : ok('credentials', arn);
  const stacks = await attempt('stacks', 'cloudformation', () => findStacks(aws, config));
  const isUpdate = 'value' in stacks && isDeployed(stacks.value, config);
  const rest: readonly [string, string, () => Promise<Check>][] = [
    ['CDK bootstrap', 'ssm', () => checkBootstrap(aws, id)],
    ['ECS service-linked role', 'iam', () => checkEcsRole(aws)],
    ['API Gateway log role', 'apigateway', () => checkAccessLogs(aws, config)],
    ['Fargate vCPU', 'servicequotas', () => checkFargate(aws, config)],
    ['Lambda concurrency', 'lambda', () => checkLambda(aws, config, isUpdate)],
    ['VPCs', 'ec2', () => checkNetworks(aws, config, isUpdate)],
  ];
  const checks = await Promise.all(
    rest.map(async ([name, service, look]) => {
      const done = await attempt(name, service, look);
      return 'value' in done ? done.value : done.check;
    }),
  );
  const found =
    'value' in stacks ? stacks.value.map((stack) => checkStack(aws, stack)) : [stacks.check];
  return [who, ok('Region', `${aws.region}, account ${id}`), ...checks, ...found];
}

/** What may not be read is no reason to stop: a deploy does not read it. */
async function attempt<T>(
  name: string,
  service: string,
  look: () => Promise<T>,
): Promise<{ value: T } | { check: Check }> {
  try {
    return { value: await look() };
  } catch (error) {
    const problem = awsProblem(error, { service });
    if (!problem && !(error instanceof Refusal)) throw error;
    const text = problem?.message ?? `${service} refused: ${(error as Refusal).message}`;
    return { check: warn(name, { text: `could not be seen. ${text}` }) };
  }
}
