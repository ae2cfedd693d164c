/** The options that every tool takes to name a deployment, and how options are read that count something. */
import { type Command, InvalidArgumentError } from 'commander';
import { ENDPOINTS_FILE } from './local-deployment.ts';

export interface DeploymentFlags {
  readonly stackName: string;
  readonly region?: string;
  /** Of the AWS configuration; the credentials' own chain where it is not given. */
  readonly profile?: string;
  readonly local: boolean;
  readonly endpoints: string;
}

export const deploymentOptions = (command: Command): Command =>
  command
    .option('--stack-name <name>', 'of the deployment', 'code-interpreter')
    .option('--region <region>', 'of the deployment; else AWS_REGION or the profile says it')
    .option('--profile <name>', 'of your AWS configuration')
    .option('--local', 'the deployment of `npm start` on this machine', false)
    .option('--endpoints <file>', 'what `npm start` wrote, for --local', ENDPOINTS_FILE);

/** For options that count: `Number` makes of `5m` what is never more nor less than anything. */
export function wholeNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
