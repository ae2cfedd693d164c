/**
 * `npm run deploy`: the preflight, then `cdk deploy --all` with the same arguments. Where the
 * preflight fails nothing is deployed: the CDK would find out later, in fewer words.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { reportOf } from '../preflight/report.ts';
import { runChecks } from '../preflight/run.ts';
import { readSettings } from '../preflight/settings.ts';
import { Problem, runTool } from '../shared/problem.ts';
import { inRegion } from './env.ts';

const HELP = `npm run deploy -- [options of cdk deploy]

Runs the preflight, then cdk deploy --all. Such as:
  npm run deploy -- -c profile=prod --profile my-aws-profile --region eu-central-1

  -c name=value        a deploy setting: see the README
  --profile NAME       of your AWS configuration
  --region REGION      to deploy to
  --no-preflight       deploy without looking first
  --help               this; \`npx cdk deploy --help\` has the rest
`;

/** Those that both read; the rest is the CDK's own. */
const { values } = parseArgs({
  strict: false,
  options: {
    context: { type: 'string', short: 'c', multiple: true },
    profile: { type: 'string' },
    region: { type: 'string' },
    'no-preflight': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The CDK takes the Region from its environment, and knows no `--no-preflight`. */
function argumentsForCdk(args: readonly string[]): string[] {
  const rest = args.filter((arg) => arg !== '--no-preflight' && !arg.startsWith('--region='));
  const at = rest.indexOf('--region');
  return at === -1 ? rest : rest.toSpliced(at, 2);
}

async function isReady(): Promise<boolean> {
  const given = (values.context ?? []).map((setting) => {
    const [name = '', ...value] = String(setting).split('=');
    return [name, value.join('=')] as const;
  });
  const config = await readSettings(Object.fromEntries(given));
  const region = text(values.region) ?? config.region;
  const checks = await runChecks({ config, region, profile: text(values.profile) });
  process.stdout.write(reportOf(checks));
  return checks.every(({ state }) => state !== 'fail');
}

await runTool(async () => {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!values['no-preflight'] && !(await isReady()))
    throw new Problem('Nothing was deployed. Put that right, or pass --no-preflight.');
  const cdk = spawn('cdk', ['deploy', '--all', ...argumentsForCdk(process.argv.slice(2))], {
    stdio: 'inherit',
    env: inRegion(text(values.region)),
  });
  const [code] = await once(cdk, 'close');
  return typeof code === 'number' ? code : 1;
});
