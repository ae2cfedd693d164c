/**
 * `npm run preflight`: whether a deploy would go through in an account, and what to do where not.
 * Reads only, in AWS and on this machine.
 */
import { Command, InvalidArgumentError } from 'commander';
import { runTool } from '../shared/problem.ts';
import { reportOf } from './report.ts';
import { runChecks } from './run.ts';
import { readSettings } from './settings.ts';

interface Flags {
  readonly region?: string;
  readonly profile?: string;
  readonly context: Record<string, string>;
  readonly json: boolean;
}

const HELP = `
Changes nothing. Exit code 1 when a check fails; a warning is told and passes. It reads with
sts:GetCallerIdentity, ssm:GetParameter, iam:GetRole, apigateway:GET, servicequotas:GetServiceQuota,
servicequotas:GetAWSDefaultServiceQuota, lambda:GetAccountSettings, ec2:DescribeVpcs and
cloudformation:DescribeStacks; what may not be read is a warning.`;

function setting(text: string, before: Flags['context']): Flags['context'] {
  const [, name, value] = /^([A-Za-z0-9]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('must be name=value, such as profile=prod');
  return { ...before, [name]: value };
}

const flags = new Command('npm run preflight --')
  .description('See whether a deploy would go through, before it is tried.')
  .option('--region <region>', 'to deploy to; else the setting region, AWS_REGION or the profile')
  .option('--profile <name>', 'of your AWS configuration (the setting `profile` goes by -c)')
  .option('-c, --context <name=value>', 'a deploy setting, as for `npm run deploy`', setting, {})
  .option('--json', 'print JSON', false)
  .allowExcessArguments(false)
  .addHelpText('after', HELP)
  .parse()
  .opts<Flags>();

await runTool(async () => {
  const config = await readSettings(flags.context);
  const { region = config.region, profile } = flags;
  const checks = await runChecks({ config, region, profile });
  const isReady = checks.every(({ state }) => state !== 'fail');
  if (flags.json) process.stdout.write(`${JSON.stringify({ ok: isReady, checks }, null, 2)}\n`);
  else process.stdout.write(reportOf(checks));
  return isReady ? 0 : 1;
});
