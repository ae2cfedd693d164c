/**
 * `npm run costs`: what a deployment costs while idle, read from the templates that `cdk synth` makes
 * of it, and with `measure` what a thousand sandboxes cost, from what `npm start` counts.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { idleCosts, idleTable, type Template } from './costs/idle.ts';
import { costTable, measureCosts } from './costs/measure.ts';
import { PRICES_AT, PRICES_REGION } from './costs/prices.ts';
import { BenchError, findTarget } from './target.ts';

const PROFILES = ['dev', 'prod'];
const HELP = `npm run costs                      an idle month of dev and of prod
npm run costs -- name=value …      the same with settings of the deployment
npm run costs -- measure           a thousand sandboxes of three programs, counted on a running npm start

  --seconds N       how long each program runs (default 300)
  --runs N          sandboxes of each program (default 1)
  --endpoints FILE  what npm start wrote (default .local/endpoints.json)`;

async function templatesOf(settings: readonly string[], folder: string): Promise<Template[]> {
  const context = settings.flatMap((setting) => ['-c', setting]);
  const cdk = ['synth', '--quiet', '--output', folder, ...context];
  try {
    await promisify(execFile)('cdk', cdk, { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new BenchError(/^Error: (.+?)(?=^\s+at |(?![^]))/ms.exec(stderr)?.[1]?.trim() ?? stderr);
  }
  return Promise.all(
    ['Data', 'Service'].map(async (stack) => {
      const text = await readFile(join(folder, `${stack}.template.json`), 'utf8');
      return JSON.parse(text) as Template;
    }),
  );
}

async function printIdle(settings: readonly string[]): Promise<void> {
  console.log(`Prices of ${PRICES_AT}, ${PRICES_REGION}, without free tiers.\n`);
  for (const profile of PROFILES) {
    const folder = join('dist/costs', profile);
    const templates = await templatesOf([`profile=${profile}`, ...settings], folder);
    console.log(`${profile}${settings.map((setting) => `, ${setting}`).join('')}:\n`);
    console.log(`${idleTable(idleCosts(...templates))}\n`);
  }
}

async function printMeasured(options: {
  seconds: string;
  runs: string;
  endpoints: string;
}): Promise<void> {
  const whole = (name: 'seconds' | 'runs', most: number) => {
    const value = Number(options[name]);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new BenchError(`--${name} must be a whole number from 1 to ${most}`);
  };
  const [seconds, runs] = [whole('seconds', 1_500), whole('runs', 100)];
  const target = await findTarget({ endpoints: options.endpoints });
  const costs = await measureCosts({ target, seconds, runs });
  console.log(
    `Prices of ${PRICES_AT}, ${PRICES_REGION}; ${seconds} s each, profile ${target.profile}.\n`,
  );
  console.log(costTable(costs));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '300' },
      runs: { type: 'string', default: '1' },
      endpoints: { type: 'string', default: '.local/endpoints.json' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(HELP);
  else if (positionals[0] === 'measure') await printMeasured(values);
  else await printIdle(positionals);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
