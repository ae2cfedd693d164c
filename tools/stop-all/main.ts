/**
 * `npm run stop-all`: ends every sandbox of a deployment and every warm task, and lets no new one
 * begin until it is resumed. Safe to run again; each run goes on where the last one ended.
 */
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import * as z from 'zod';
import { type Functions, functionsOf } from '../shared/functions.ts';
import { type DeploymentFlags, deploymentOptions, wholeNumber } from '../shared/options.ts';
import { Problem, runTool } from '../shared/problem.ts';

interface Flags extends DeploymentFlags {
  readonly yes: boolean;
  readonly resume: boolean;
  readonly hard: boolean;
  readonly waitSeconds: number;
}

const Standing = z.object({
  pausedAt: z.string().optional(),
  settled: z.boolean(),
  sandboxes: z.number(),
  tasks: z.number(),
  failed: z.array(z.string()).default([]),
});
type Standing = z.infer<typeof Standing>;

const LOOK_EVERY_MS = 1_000;

const HELP = `
First it pauses the deployment: creating a sandbox answers 503 CAPACITY_UNAVAILABLE, with the reason.
Then each sandbox ends as if its owner had terminated it; logs and files stay. It is done when no
sandbox and no task is left and nothing of before the pause can still begin, which takes 40 s at least.

Needs the right to invoke the function <stack>-pool (lambda:InvokeFunction), or --local.`;

const flags = deploymentOptions(new Command('npm run stop-all --'))
  .description('End every sandbox of a deployment, and let none begin until it is resumed.')
  .option('--yes', 'do not ask', false)
  .option('--hard', 'stop the tasks themselves too, where sandboxes do not end', false)
  .option('--resume', 'let sandboxes begin again', false)
  .option('--wait-seconds <n>', 'until it gives up waiting', wholeNumber, 300)
  .allowExcessArguments(false)
  .addHelpText('after', HELP)
  .parse()
  .opts<Flags>();

const begun = performance.now();
const say = (line: string) => {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${line}\n`);
};

const ask = async (functions: Functions, event: Record<string, unknown>): Promise<Standing> =>
  Standing.parse(await functions.invoke('pool', event));

async function resume(functions: Functions): Promise<number> {
  const before = await ask(functions, { task: 'standing' });
  await ask(functions, { task: 'resume' });
  const since =
    before.pausedAt === undefined ? 'it was not paused' : `paused at ${before.pausedAt}`;
  say(`${functions.where} takes new sandboxes (${since})`);
  return 0;
}

async function confirm(functions: Functions): Promise<void> {
  const { sandboxes, tasks } = await ask(functions, { task: 'standing' });
  const what = `${functions.where}: ${sandboxes} sandboxes and ${tasks} tasks, of all tenants`;
  if (flags.yes) return say(what);
  if (!process.stdin.isTTY)
    throw new Problem(`This would end everything of ${what}. Pass --yes to do so.`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`End everything of ${what}. Go on? Type yes: `);
  prompt.close();
  if (answer.trim() !== 'yes') throw new Problem('Nothing was done.');
}

async function stopAll(functions: Functions): Promise<number> {
  await confirm(functions);
  const untilMs = performance.now() + flags.waitSeconds * 1000;
  for (let told = ''; ; ) {
    const now = await ask(functions, { task: 'stopAll', hard: flags.hard });
    const line = lineOf(now);
    if (line !== told) say(line);
    told = line;
    for (const problem of now.failed.slice(0, 3)) say(`could not be told: ${problem}`);
    if (now.settled && now.sandboxes + now.tasks === 0) return done();
    if (performance.now() > untilMs) return givenUp(now);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const lineOf = ({ pausedAt, settled, sandboxes, tasks }: Standing): string =>
  `paused at ${pausedAt}; left: ${sandboxes} sandboxes, ${tasks} tasks${
    settled ? '' : '; some may still begin'
  }`;

function done(): number {
  say('nothing runs, and nothing begins until: npm run stop-all -- --resume');
  return 0;
}

function givenUp({ sandboxes, tasks }: Standing): number {
  const next = flags.hard
    ? 'See the log of the functions pool and lifecycle, and stop the tasks of the cluster in the ECS console.'
    : 'Run it again with --hard.';
  say(`after ${flags.waitSeconds} s there are ${sandboxes} sandboxes and ${tasks} tasks. ${next}`);
  return 1;
}

await runTool(async () => {
  const functions = await functionsOf(flags);
  return flags.resume ? resume(functions) : stopAll(functions);
});
