/**
 * `npm run smoke`: tries a deployment from outside, from a first request to nothing left. Cleans up
 * after itself, also when a step fails or it is told to stop.
 */
import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { CodeInterpreter, CodeInterpreterError } from '../../sdk/typescript/src/index.ts';
import { ENDPOINTS_FILE } from '../shared/local-deployment.ts';
import { messageOf, Problem, runTool } from '../shared/problem.ts';
import { Api } from './api.ts';
import { costOf } from './cost.ts';
import { type Run, type Step, sandboxOf, seconds } from './step.ts';
import { credentials, waysOut } from './steps/attacks.ts';
import { create } from './steps/create.ts';
import { cutAndResume } from './steps/cut-and-resume.ts';
import { cleanUp, end } from './steps/end.ts';
import { file } from './steps/file.ts';
import { health } from './steps/health.ts';
import { liveOutput } from './steps/live-output.ts';
import { findTarget, type TargetFlags } from './target.ts';

const STEPS: readonly Step[] = [
  health,
  create,
  liveOutput,
  cutAndResume,
  file,
  credentials,
  waysOut,
  end,
];

const HELP = `
The API key comes from CODE_INTERPRETER_API_KEY, never from the command line, where others can read it.
Without a base URL it is the deployment of \`npm start\` on this machine, with its key.

It makes one sandbox of the default size and ends it: about a cent at most. Exit code 0 when all is well,
1 when a step failed, 130 after Ctrl-C.`;

const flags = new Command('npm run smoke --')
  .description('Try a deployment: create, run, cut, resume, file, attacks, end, nothing left.')
  .option(
    '--base-url <url>',
    'such as https://….amazonaws.com/api/v1; else CODE_INTERPRETER_BASE_URL',
  )
  .option('--endpoints <file>', 'what `npm start` wrote', ENDPOINTS_FILE)
  .allowExcessArguments(false)
  .addHelpText('after', HELP)
  .parse()
  .opts<TargetFlags>();

const begun = performance.now();
const tell = (mark: string, name: string, what: string, tookMs?: number) => {
  const took = tookMs === undefined ? '' : seconds(tookMs);
  process.stdout.write(`${mark.padEnd(6)} ${took.padStart(8)}  ${name.padEnd(17)} ${what}\n`);
};

/** Told to stop, a step ends where it waits; what it made is cleaned up. */
function whenTold(stop: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second signal does not wait any longer.
      if (stop.signal.aborted) process.exit(130);
      process.stderr.write(`${signal}: cleaning up\n`);
      stop.abort(new Problem(`${signal} came`));
    });
  }
}

async function runSteps(run: Run): Promise<number> {
  for (const { name, run: step } of STEPS) {
    const at = performance.now();
    try {
      tell('ok', name, await whileNotStopped(run.signal, step(run)), performance.now() - at);
    } catch (error) {
      tell(run.signal.aborted ? 'ended' : 'FAILED', name, textOf(error), performance.now() - at);
      await leaveNothing(run);
      return run.signal.aborted ? 130 : 1;
    }
  }
  const { seconds: billed, dollars } = costOf(await sandboxOf(run).refresh(), run.api.requests);
  tell(
    'cost',
    '',
    `about $${dollars.toFixed(5)}: ${Math.round(billed)} s of a task, ${run.api.requests} requests (prices of us-east-1, see docs/costs.md)`,
  );
  tell('all ok', '', '', performance.now() - begun);
  return 0;
}

function whileNotStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  // What goes on behind a stop has nobody to tell of its own end.
  work.catch(() => {});
  return Promise.race([work, stopped]).finally(() => signal.removeEventListener('abort', stop));
}

async function leaveNothing(run: Run): Promise<void> {
  try {
    const ended = await cleanUp(run);
    tell(
      '',
      'clean up',
      ended.length === 0 ? 'nothing was left' : `terminated ${ended.join(', ')}`,
    );
  } catch (error) {
    tell(
      '',
      'clean up',
      `failed: ${textOf(error)}. What is left ends by itself within 10 minutes.`,
    );
  }
}

const textOf = (error: unknown): string =>
  error instanceof CodeInterpreterError ? `${error.code}: ${error.message}` : messageOf(error);

await runTool(async () => {
  const target = await findTarget(flags);
  const stop = new AbortController();
  whenTold(stop);
  const api = new Api(target);
  const client = new CodeInterpreter({ ...target, fetch: api.fetch });
  tell('', '', target.baseUrl);
  const code = await runSteps({ api, client, id: randomUUID(), signal: stop.signal });
  client.close();
  // A socket or a request of a step that was given up must not keep the process.
  process.exit(code);
});
