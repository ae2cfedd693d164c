/** `npm run preflight` against accounts of every kind: what it says, and what there is to do. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { reportOf } from '../../../tools/preflight/report.ts';
import { runChecks } from '../../../tools/preflight/run.ts';
import { readSettings } from '../../../tools/preflight/settings.ts';
import {
  ACCOUNT,
  type Answers,
  awsAccount,
  byQuota,
  ec2Refusal,
  jsonRefusal,
  lambdaOf,
  quotaOf,
  stackOf,
  xmlRefusal,
} from '../../helpers/aws-account.ts';
import { tool } from '../../helpers/tools.ts';

/** Programs of this name, by what they do. */
let programs: string;
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'code-interpreter-engines-'));
  const write = async (name: string, script: string) => {
    await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(programs, name), 0o755);
  };
  await write('docker', 'echo x86_64');
  await write('arm', 'echo aarch64');
  await write('stopped', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
});
afterAll(() => rm(programs, { recursive: true, force: true }));

const engine = (name: string) => ({ CDK_DOCKER: join(programs, name) });

/** As the command does it, in this process: a process for each account would take a second. */
async function preflight(
  answers: Answers,
  settings: Record<string, string> = {},
  env: Record<string, string> = {},
) {
  await using account = await awsAccount(answers);
  const bare = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' };
  for (const [name, value] of Object.entries({
    ...bare,
    ...engine('docker'),
    ...account.env,
    ...env,
  }))
    vi.stubEnv(name, value);
  const config = await readSettings(settings);
  const checks = await runChecks({ config, region: config.region, profile: undefined });
  const stdout = reportOf(checks);
  expect(stdout).not.toMatch(/\n\s+at |Error:|undefined/);
  const code = checks.some(({ state }) => state === 'fail') ? 1 : 0;
  return { code, stdout, asked: account.asked };
}
afterEach(() => vi.unstubAllEnvs());

test('an account that was prepared is ready, and nothing but reads was asked', async () => {
  await using account = await awsAccount();
  const args = ['-c', 'profile=prod', '-c', 'internet=true'];
  const told = await tool('preflight', args, { env: { ...engine('docker'), ...account.env } });
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(/^ok .*settings .*profile prod, x86_64, internet on, 1 kept warm$/m);
  expect(told.stdout).toMatch(/Ready to deploy\.\n$/);
  expect(told.stdout).not.toMatch(/^(warn|fail)/m);
  expect(account.asked.every((action) => /\.(Get|Describe|GET )/.test(action))).toBe(true);
});

test('an empty account is told all that is missing at once, with a command for each', async () => {
  const told = await preflight({
    'ssm.GetParameter': jsonRefusal('ParameterNotFound', ''),
    'iam.GetRole': xmlRefusal(404, 'NoSuchEntity', 'The role with name x cannot be found.'),
    'servicequotas.GetServiceQuota': jsonRefusal('NoSuchResourceException', 'none'),
    'servicequotas.GetAWSDefaultServiceQuota': quotaOf(6),
    'lambda.GET /2016-08-19/account-settings': lambdaOf(10, 10),
  });
  expect(told.code).toBe(1);
  for (const line of [
    `fail  CDK bootstrap                not done in ${ACCOUNT}/eu-central-1`,
    `→ npx cdk bootstrap aws://${ACCOUNT}/eu-central-1`,
    'fail  ECS service-linked role',
    '→ aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com',
    'warn  Fargate vCPU                 6 at once',
    '--service-code fargate --quota-code L-3032A538 --desired-value 10',
    'warn  Lambda concurrency           10 at once',
    'Not ready: 2 failed, 2 to know of.',
  ])
    expect(told.stdout).toContain(line);
});

test('prod needs more than dev: room for what functions reserve, and a role for access logs', async () => {
  const answers = {
    'lambda.GET /2016-08-19/account-settings': lambdaOf(200, 200),
    'apigateway.GET /account': { status: 200, body: '{}' },
  };
  expect(await preflight(answers)).toMatchObject({ code: 0 });
  const told = await preflight(answers, { profile: 'prod' });
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/^fail {2}Lambda concurrency .*prod reserves \d+/m);
  expect(told.stdout).toMatch(/^fail {2}API Gateway log role .*\n.*-c accessLogs=false/m);
});

test.each([
  ['ROLLBACK_COMPLETE', 0, /^warn .*deletes it and makes it anew\n.*delete-stack .*interpreter$/m],
  ['ROLLBACK_IN_PROGRESS', 1, /somebody deploys it now/],
  ['REVIEW_IN_PROGRESS', 0, /a change set that nobody carried out/],
  ['DELETE_IN_PROGRESS', 1, /somebody deletes it now/],
  ['UPDATE_IN_PROGRESS', 1, /somebody deploys it now/],
  ['UPDATE_COMPLETE', 0, /it will be updated/],
])('a stack that is %s', async (status, code, says) => {
  const told = await preflight({ 'cloudformation.DescribeStacks': stackOf(status) });
  expect(told).toMatchObject({ code, stdout: expect.stringMatching(says) });
});

/** Of the data stack, then of the service's. */
const stacksOf = (data: string, service: string) => (input: string) =>
  stackOf(new URLSearchParams(input).get('StackName')?.endsWith('-data') ? data : service);
/** Nothing left of what a first deployment takes, and enough of it for an update. */
const FULL: Answers = {
  'lambda.GET /2016-08-19/account-settings': lambdaOf(200, 100),
  'servicequotas.GetServiceQuota': byQuota({ 'L-3032A538': 140, 'L-F678F1CE': 1 }),
};

test.each([
  ['is deployed', 'UPDATE_COMPLETE', 0],
  ['was rolled back once', 'UPDATE_ROLLBACK_COMPLETE', 0],
  ['failed to be made', 'ROLLBACK_COMPLETE', 1],
  ['has a change set only', 'REVIEW_IN_PROGRESS', 1],
])('a service stack that %s: whether its room is counted again', async (_, status, code) => {
  const answers = { ...FULL, 'cloudformation.DescribeStacks': stacksOf('CREATE_COMPLETE', status) };
  const told = await preflight(answers, { profile: 'prod', internet: 'true' });
  expect(told.code, told.stdout).toBe(code);
  const state = code === 0 ? 'warn' : 'fail';
  expect(told.stdout).toMatch(new RegExp(`^${state} .*VPCs`, 'm'));
  expect(told.stdout).toMatch(new RegExp(`^${state} .*Lambda concurrency .*prod reserves`, 'm'));
});

test('what may not be read is a warning with the right that is missing, and no more', async () => {
  const message = (action: string) => `User: me is not authorized to perform: ${action}`;
  const told = await preflight({
    'ssm.GetParameter': jsonRefusal('AccessDeniedException', message('ssm:GetParameter')),
    'iam.GetRole': xmlRefusal(403, 'AccessDenied', message('iam:GetRole')),
    'servicequotas.GetServiceQuota': jsonRefusal(
      'AccessDeniedException',
      message('servicequotas:GetServiceQuota'),
    ),
    'lambda.GET /2016-08-19/account-settings': {
      status: 403,
      headers: { 'x-amzn-errortype': 'AccessDeniedException:http://internal.amazon.com/x' },
      body: JSON.stringify({ Message: message('lambda:GetAccountSettings') }),
    },
    'ec2.DescribeVpcs': ec2Refusal('UnauthorizedOperation', message('ec2:DescribeVpcs')),
    'cloudformation.DescribeStacks': xmlRefusal(
      403,
      'AccessDenied',
      message('cloudformation:DescribeStacks'),
    ),
  });
  expect(told.code).toBe(0);
  for (const action of [
    'ssm:GetParameter',
    'iam:GetRole',
    'servicequotas:GetServiceQuota',
    'lambda:GetAccountSettings',
    'cloudformation:DescribeStacks',
  ])
    expect(told.stdout).toMatch(new RegExp(`^warn .*could not be seen\\..*${action}`, 'm'));
});

test.each([
  [
    'expired',
    xmlRefusal(403, 'ExpiredToken', 'The security token is expired'),
    /have expired\. .*sso login/,
  ],
  [
    'of nobody',
    xmlRefusal(403, 'InvalidClientTokenId', 'The security token is invalid'),
    /does not know these/,
  ],
])('credentials that are %s', async (_, refusal, says) => {
  const told = await preflight({ 'sts.GetCallerIdentity': refusal });
  expect(told).toMatchObject({ code: 1, stdout: expect.stringMatching(says) });
  expect(told.asked).toEqual(['sts.GetCallerIdentity']);
});

test('no credentials and no engine at all: both are said', async () => {
  const env = { AWS_REGION: 'eu-central-1', PATH: '/nonexistent', CDK_DOCKER: '' };
  const told = await tool('preflight', [], { env });
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/^fail {2}container engine .*docker is not installed/m);
  expect(told.stdout).toMatch(/^fail {2}credentials .*No AWS credentials were found/m);
  expect(told.stdout).toMatch(/Not ready: 2 failed\.\n$/);
});

test.each([
  ['stopped', {}, 1, /engine does not answer/],
  ['arm', {}, 0, /^warn .*runs on arm64, and sandboxes are asked for on x86_64/m],
  ['arm', { architecture: 'arm64' }, 0, /builds for arm64/],
])('a container engine that is %s, asked with %j', async (name, settings, code, says) => {
  const told = await preflight({}, settings, engine(name));
  expect(told).toMatchObject({ code, stdout: expect.stringMatching(says) });
});

test('a setting that is wrong is named, and --json is JSON', async () => {
  const wrong = await tool('preflight', ['-c', 'poolTarget=many', '-c', 'colour=red']);
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toMatch(/poolTarget/);
  expect(wrong.stderr).toMatch(/colour/);
  expect(wrong.stderr).not.toMatch(/\n\s+at /);
  await using account = await awsAccount();
  const env = { ...engine('docker'), ...account.env };
  const { stdout, code } = await tool('preflight', ['--json'], { env });
  const report = JSON.parse(stdout);
  expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
  expect(report.checks[0]).toEqual({ name: 'settings', state: 'ok', text: expect.any(String) });
});

test('npm run deploy looks first, and deploys nothing where that fails', async () => {
  await using account = await awsAccount({
    'ssm.GetParameter': jsonRefusal('ParameterNotFound', ''),
  });
  const env = { ...engine('docker'), ...account.env, PATH: '/nonexistent' };
  const told = await tool('deploy', ['-c', 'profile=dev'], { env });
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/^fail {2}CDK bootstrap/m);
  expect(told.stderr).toBe('Nothing was deployed. Put that right, or pass --no-preflight.\n');
});
